"""`python -m melange_cloud`."""

from melange_cloud.cli.main import main

if __name__ == "__main__":
    main()
