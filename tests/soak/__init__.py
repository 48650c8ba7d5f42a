"""Long runs outside CI; each module here or in tests/chaos has a short version inside `make test`."""

import tests.chaos  # noqa: F401 - with it `support` is found, here as under pytest
