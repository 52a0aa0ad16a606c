"""`python -m schemalora` is the `schemalora` command."""

from schemalora.cli import main

main()
