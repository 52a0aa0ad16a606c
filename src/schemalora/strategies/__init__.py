"""Hypothesis strategies: valid instances of a model or schema, and completions that just miss it.

```python
from hypothesis import given
from schemalora.strategies import instances, near_misses

@given(instances(Ticket))
def test_handler_takes_every_ticket(ticket): ...

@given(near_misses(Ticket))
def test_handler_refuses_what_is_no_ticket(miss):
    assert handler(miss.completion).status == 422
```
"""

from schemalora.strategies.capabilities import Capability, capabilities
from schemalora.strategies.instances import instances
from schemalora.strategies.near_misses import NearMiss, near_misses

__all__ = ["Capability", "NearMiss", "capabilities", "instances", "near_misses"]
