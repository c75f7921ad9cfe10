"""What is modelled, aspect by aspect."""

from tests.faults.model.accepting import aspects as accepting
from tests.faults.model.aspect import Aspect
from tests.faults.model.calls import aspects as calls
from tests.faults.model.clocks import aspects as clocks
from tests.faults.model.groups import aspects as groups
from tests.faults.model.streams import aspects as streams


def aspects() -> list[Aspect]:
    return [aspect for part in (accepting, groups, calls, streams, clocks) for aspect in part.aspects()]
