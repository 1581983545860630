"""The command line: it parses, calls the library, shows progress and writes results."""

from deblur.cli._app import app as app
from deblur.cli._app import main as main
