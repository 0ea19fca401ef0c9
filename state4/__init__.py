"""State4: keeps the state of a P4 switch while its program changes.

The paper's four modules are `cam`, `cim`, `rsrm` and `rssm`; `reconfigure` runs them by one of the `strategies`. May
import p4front, and softswitch.proto for its bulk service; nothing of experiments, nfs or topologies.
"""

from p4front import interpreter

interpreter.prepare(__name__)
