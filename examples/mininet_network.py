"""softswitch as a switch in plain Mininet: two hosts, a program, its entries, and a ping. Needs root and Mininet.

h1 -- s1 -- h2. `SoftSwitch` below is all that your own network needs; `Mininet(switch=SoftSwitch)` starts it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from mininet.link import Link
from mininet.net import Mininet
from mininet.node import Switch

SOFTSWITCH = [sys.executable, "-m", "softswitch"]
STATE4 = [sys.executable, "-m", "state4"]
ENTRIES = """
[[entry]]
table = "MyIngress.route"
match = {{ "hdr.ethernet.dst" = "{mac}" }}
action = "MyIngress.forward"
params = {{ port = {port} }}
"""


class SoftSwitch(Switch):
    """One softswitch in the root namespace. program: P4 source, or a compiled file; folder: for its socket and log."""

    def __init__(self, name, program, folder, **params):
        super().__init__(name, **params)
        self.program, self.folder = Path(program), Path(folder)
        self.address = f"unix:{self.folder}/{name}.sock"

    def start(self, controllers):
        ready, log = self.folder / f"{self.name}.ready", self.folder / f"{self.name}.log"
        ports = [
            word for port, link in self.intfs.items() if link.name != "lo" for word in ("-i", f"{port}@{link.name}")
        ]
        command = [*SOFTSWITCH, "run", str(self.program), *ports, "--grpc-server-addr", self.address, "--parent-death"]
        with log.open("wb") as output:
            self.daemon = self.popen([*command, "--qdiscs", "--ready-file", str(ready)], stdout=output, stderr=output)
        while not ready.exists():
            if self.daemon.poll() is not None:
                raise RuntimeError(log.read_text())
            self.cmd("sleep 0.1")

    def stop(self, deleteIntfs=True):
        self.daemon.terminate()
        self.daemon.wait()
        super().stop(deleteIntfs)

    def load_entries(self, text):
        file = self.folder / f"{self.name}.entries.toml"
        file.write_text(text)
        subprocess.run([*STATE4, "entries", "load", str(file), "--target", self.address], check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        network = Mininet(link=Link, controller=None, autoStaticArp=True)
        program = Path(__file__).with_name("byte_quota.p4")
        switch = network.addSwitch("s1", cls=SoftSwitch, program=program, folder=folder)
        hosts = [network.addHost(f"h{n}", ip=f"10.0.0.{n}/24", mac=f"02:00:00:00:00:0{n}") for n in (1, 2)]
        for host in hosts:
            network.addLink(host, switch)
        try:
            network.start()
            switch.load_entries("".join(ENTRIES.format(mac=host.MAC(), port=n) for n, host in enumerate(hosts, 1)))
            print(f"dropped: {network.ping(hosts)} %")
        finally:
            network.stop()
