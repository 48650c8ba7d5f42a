"""Long runs outside CI; each module here or in tests/chaos has a short version inside `make test`."""
