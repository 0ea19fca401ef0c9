"""Being a role's primary on a P4Runtime switch (specification 1.5, section 5).

We use a role of our own, so that other controllers stay primary of theirs; on a switch without roles, the default role.
The election id is one more than the highest that the switch has seen for that role, which it reports to a client
without an id. When the stream ends, the role has no primary. The previous primary is told so, and which id to send: the
highest id of a role never decreases, so it must be ours or a larger one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from finsy.proto import p4r

from state4.errors import NotPrimary, TargetError

OWN_ROLE = "state4"
DEFAULT_ROLE = ""
_ATTEMPTS = 3
"""Another client may claim the same id at the same time."""
_ALREADY_EXISTS = grpc.StatusCode.ALREADY_EXISTS.value[0]
_NO_ROLES = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.PERMISSION_DENIED)


class Mastership:
    """A stream whose client is primary. `election_id` None: the one above the highest; `role` None: our own one, or the
    default one of a switch that refuses it. `before`: the id of a primary that we have demoted, None if there was none.

    Raises TargetError if the switch does not answer, NotPrimary if a client with a larger id is there."""

    def __init__(
        self, stub: Any, address: str, device_id: int, *, role: str | None, election_id: int | None, timeout_s: float
    ) -> None:
        self.role = OWN_ROLE if role is None else role
        self.election_id = election_id or 0
        self.before: int | None = None
        self.on_message: Callable[[p4r.StreamMessageResponse], None] | None = None
        self._stub = stub
        self._address = address
        self._device_id = device_id
        self._timeout_s = timeout_s
        self._open()
        self._become_primary(election_id, may_change_role=role is None)

    def __str__(self) -> str:
        text = f"primary of the {self._name} with election id {self.election_id}"
        if self.before is not None:
            return f"{text}, in place of {self.before}, who gets it back by sending {self.election_id} or more"
        return f"{text}; other controllers keep their roles" if self.role else text

    def close(self) -> None:
        """Hands the role back."""
        self._requests.put(None)

    def _open(self) -> None:
        self._requests: queue.Queue[p4r.StreamMessageRequest | None] = queue.Queue()
        self._answers: queue.Queue[p4r.MasterArbitrationUpdate | grpc.RpcError] = queue.Queue()
        stream = self._stub.StreamChannel(iter(self._requests.get, None))
        threading.Thread(target=self._follow, args=(stream, self._answers), name="state4-stream", daemon=True).start()

    def _follow(
        self,
        stream: Iterator[p4r.StreamMessageResponse],
        answers: queue.Queue[p4r.MasterArbitrationUpdate | grpc.RpcError],
    ) -> None:
        try:
            for message in stream:
                if message.HasField("arbitration"):
                    answers.put(message.arbitration)
                elif self.on_message is not None:
                    self.on_message(message)
        except grpc.RpcError as error:
            answers.put(error)

    def _ask(self, election_id: int | None) -> p4r.MasterArbitrationUpdate | grpc.RpcError:
        """The switch's answer to one arbitration message, or why it ended the stream. Raises TargetError."""
        update = p4r.MasterArbitrationUpdate(device_id=self._device_id)
        if self.role:
            update.role.name = self.role
        if election_id is not None:
            update.election_id.high, update.election_id.low = election_id >> 64, election_id & (1 << 64) - 1
        self._requests.put(p4r.StreamMessageRequest(arbitration=update))
        try:
            while True:
                answer = self._answers.get(timeout=self._timeout_s)
                if isinstance(answer, grpc.RpcError) or (_number(answer) or 0) >= (election_id or 0):
                    return answer  # and no news from before our message
        except queue.Empty:
            raise TargetError(f"the switch at {self._address} does not answer the arbitration") from None

    def _become_primary(self, wanted: int | None, *, may_change_role: bool) -> None:
        """With the id that the user has chosen, or the one above the highest that the switch has seen. Raises
        NotPrimary."""
        for _ in range(_ATTEMPTS):
            answer = self._ask(None)
            if isinstance(answer, grpc.RpcError):
                if not (may_change_role and self.role and code(answer) in _NO_ROLES):
                    raise NotPrimary(self._refusal(f"the switch ended the connection ({reason(answer)})"))
                self.role = DEFAULT_ROLE
                self._open()
                continue
            highest = _number(answer)
            self.before = highest if answer.status.code == _ALREADY_EXISTS else None
            self.election_id = (1 if highest is None else highest + 1) if wanted is None else wanted
            answer = self._ask(self.election_id)
            if not isinstance(answer, grpc.RpcError) and answer.status.code == 0:
                return
            if wanted is not None:
                raise NotPrimary(self._refusal(self._too_small(wanted, highest or 0)))
            if isinstance(answer, grpc.RpcError):  # another client has this id by now
                self._open()
        raise NotPrimary(self._refusal(f"other controllers become primary of its {self._name} again and again"))

    def _too_small(self, wanted: int, highest: int) -> str:
        return (
            f"{highest} is the highest election id that its {self._name} has seen, which {wanted} does not beat; give "
            f"--election-id {highest + 1} or a larger one, or none"
        )

    @property
    def _name(self) -> str:
        return f"role {self.role}" if self.role else "default role"

    def _refusal(self, why: str) -> str:
        return f"cannot control the switch at {self._address}: {why}"


def _number(answer: p4r.MasterArbitrationUpdate) -> int | None:
    """The highest election id that the switch has seen; None: it has seen none."""
    if not answer.HasField("election_id"):
        return None
    return int(answer.election_id.high) << 64 | int(answer.election_id.low)


def code(error: grpc.RpcError) -> Any:
    return error.code() if isinstance(error, grpc.Call) else None


def reason(error: grpc.RpcError) -> str:
    if isinstance(error, grpc.Call):
        return f"{error.details() or 'no reason given'} ({error.code().name})"
    return str(error)
