"""`python -m serverless_cli` is `slx`."""

from serverless_cli.cli.main import main

if __name__ == "__main__":
    main()
