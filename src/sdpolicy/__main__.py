"""`python -m sdpolicy`: the command line, for when it is not on the path."""

from sdpolicy.cli import main

if __name__ == "__main__":
    main()
