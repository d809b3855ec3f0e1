"""What every test may ask for: pytester, which pytest lets only the topmost conftest name."""

pytest_plugins = ["pytester"]
