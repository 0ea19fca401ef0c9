"""The paper's claims, one file each: the published value, the threshold, the rule by which ours is judged, the
findings.

`base.py` has what they share, `stats.py` the statistics, `catalogue.py` all claims in order. Pure functions over
numbers: nothing here measures, reads a file or knows an experiment. Everything in `experiments` and `plots` may import
it; it imports nothing of them.
"""
