"""Run bob's command line."""

from bob.cli import main

if __name__ == "__main__":
    main()
