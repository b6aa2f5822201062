"""Several runs of one problem side by side: merit and cost of each, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from widgetlib.core.method import fields_of
from widgetlib.core.table import Table
from widgetlib.core.trace import COSTS, Trace, plain
from widgetlib.core.words import AtlasError
