"""`python -m demo`."""

import typer

from demo.show import demo

typer.run(demo)
