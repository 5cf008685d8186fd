"""A folder and requirements -> one reproducible zip, as Lambda wants it; and a look at its handler, not run."""

from serverless_cli.packaging.handler import check_handler
from serverless_cli.packaging.package import Needs, Package, check_folder, check_total, package, packed

__all__ = ["Needs", "Package", "check_folder", "check_handler", "check_total", "package", "packed"]
