"""`python -m local` is the command line too."""

from local.command_line import main

main()
