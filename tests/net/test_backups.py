"""Backup replicas on real links: the copy goes where a link is up.

[host 1] ---- s1 [switch] s2 ---- [host 2]      multicast group: port 2, backed up by port 3
                          s3 ---- [host 3]
"""

from __future__ import annotations

from softswitch.build.program import compile_program
from softswitch.dataplane.entries import Replica
from softswitch.dataplane.switch import Switch
from tests.net.veths import Veths, inside, receive, silent, wait
from tests.switch.controller import EVERYTHING, body, frame


def test_a_copy_goes_to_the_backup_while_the_link_is_down() -> None:
    with Veths(3) as net, Switch() as switch:
        pipeline = switch.load(compile_program(EVERYTHING))
        pipeline.tables["MyIngress.routes"].set_default("MyIngress.multicast", (6,))
        switch.set_multicast_group(6, [Replica(2, 1, ((3, 2),))])
        switch.commit(pipeline)
        with inside(net.switch):
            for host in net.hosts:
                switch.add_interface(host, f"s{host}")
            switch.start()
        one, two, three = (net.socket(host) for host in net.hosts)

        def sent(number: int) -> bytes:
            data = frame(body=body(number)).ljust(60, b"\0")
            one.send(data)
            return data

        assert sent(1) == receive(two)
        net.inside(net.host(2), "ip", "link", "set", "h0", "down")  # the far end: the carrier is lost
        wait(lambda: not switch.stats().ports[2].up)
        assert sent(2) == receive(three)
        net.inside(net.host(2), "ip", "link", "set", "h0", "up")
        wait(lambda: switch.stats().ports[2].up)
        two = net.socket(2)  # the old one tells of the network that was down
        assert sent(3) == receive(two)
        assert silent(three)
