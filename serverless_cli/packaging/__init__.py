"""A function's folder -> one reproducible zip, as Lambda wants it; and a look at its handler without running it."""

from serverless_cli.packaging.handler import check_handler
from serverless_cli.packaging.package import Package, package

__all__ = ["Package", "check_handler", "package"]
