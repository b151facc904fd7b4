"""German for the sentences of the trading desk's API, by their English templates."""

SENTENCES: dict[str, str] = {}
"""Those that the desk itself says, with the fields of include/dashboard/language.py's `say`."""

STORED: dict[str, str] = {}
"""Those that others store in the warehouse: alarms, expectations, reasons; fields are what varies."""
