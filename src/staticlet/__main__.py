"""Run the command line with `python -m staticlet`."""

from staticlet.cli.main import main

main()
