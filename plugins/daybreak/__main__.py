"""``python -m daybreak``: the command where only the files are deployed and no package is installed."""

from daybreak.cli import main

if __name__ == "__main__":
    main()
