"""The refusal of an action not possible in the current state."""

from __future__ import annotations

from enum import StrEnum

import pytest

from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.states import States


class GateState(StrEnum):
    open = "open"
    shut = "shut"


STATES = States({GateState.open: "打开", GateState.shut: "关闭"})


@pytest.mark.parametrize("state", [GateState.shut, "shut"], ids=["member", "as a row gives it"])
def test_what_a_state_does_not_allow_is_refused_with_what_it_has_to_be(state: GateState) -> None:
    STATES.require(state, [GateState.shut], Text("the gate", "大门"))
    with pytest.raises(Problem) as refused:
        STATES.require(state, [GateState.open], Text("the gate", "大门"), "HC-1")
    problem = refused.value
    assert (problem.status, problem.code, problem.clause) == (409, "illegal_state", "HC-1")
    document = problem.document("zh")
    assert document["state"] == "shut"
    assert (document["detail"], document["satisfy"]) == ("大门当前为“关闭”", "须处于“打开”")
