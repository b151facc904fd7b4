"""German for the sentences of the trading desk's API, by their English templates."""

SENTENCES: dict[str, str] = {
    # parameters
    "{name} must be a day like 2026-03-01, not {given}.": (
        "{name} muss ein Tag wie 2026-03-01 sein, nicht {given}."
    ),
    "from ({first}) must not be after to ({last}).": "from ({first}) darf nicht nach to ({last}) liegen.",
    "from and to may span {most} days at most; ask for fewer at a time.": (
        "Von from bis to dürfen es höchstens {most} Tage sein; bitte weniger auf einmal abfragen."
    ),
    "trader must be a name of at most 200 characters.": "trader muss ein Name mit höchstens 200 Zeichen sein.",
    "hour must be a delivery period of {day} like 15-16, not {given}.": (
        "hour muss eine Lieferperiode des {day} wie 15-16 sein, nicht {given}."
    ),
    "hour must be given.": "hour muss angegeben werden.",
    "{name} must be a moment with its zone like 2026-03-01T12:00:00Z, not {given}.": (
        "{name} muss ein Zeitpunkt mit Zeitzone wie 2026-03-01T12:00:00Z sein, nicht {given}."
    ),
    "{name} must be a moment of the years 2000 to 2099.": (
        "{name} muss ein Zeitpunkt der Jahre 2000 bis 2099 sein."
    ),
    "{name} ({moment}) is yet to come: ask for a moment of the past.": (
        "{name} ({moment}) liegt in der Zukunft: bitte einen vergangenen Zeitpunkt abfragen."
    ),
    "{name} must be {choices}, not {given}.": "{name} muss {choices} sein, nicht {given}.",
    "{first} or {last}": "{first} oder {last}",
    "limit must be a whole number from 1 to {most}, not {given}.": (
        "limit muss eine ganze Zahl von 1 bis {most} sein, nicht {given}."
    ),
    "market must be {known}.": "market muss {known} sein.",
    "landing_file must be the path of a landing file of this market.": (
        "landing_file muss der Pfad einer Landing-Datei dieses Markts sein."
    ),
    "line must be one of the {count} lines that are loaded.": (
        "line muss eine der {count} geladenen Zeilen sein."
    ),
    "line must be a whole number from 1.": "line muss eine ganze Zahl ab 1 sein.",
    # the server
    "Trading desk": "Trading Desk",
    "Log in": "Anmelden",
    "Log in to Airflow to see the trading desk.": "Bitte in Airflow anmelden, um den Trading Desk zu sehen.",
    "Your Airflow user may not see the trading desk: that takes the right to read DAGs, which every role from"
    " Viewer up has. Ask an administrator of Airflow for a role, then log in again.": (
        "Dieser Airflow-Benutzer darf den Trading Desk nicht sehen: dafür braucht es das Recht, DAGs zu"
        " lesen, das jede"
        " Rolle ab Viewer hat. Bitte die Administration von Airflow um eine Rolle und dann neu anmelden."
    ),
    "There is no such thing on the trading desk.": "Das gibt es auf dem Trading Desk nicht.",
    "The trading desk is not set up yet; its log says what is missing.": (
        "Der Trading Desk ist noch nicht eingerichtet; was fehlt, steht in seinem Log."
    ),
    "Something went wrong here; the log of Airflow's API server says what.": (
        "Hier ist etwas schiefgegangen; was, steht im Log des API-Servers von Airflow."
    ),
    "The database does not answer. Nothing is lost: the numbers come back by themselves.": (
        "Die Datenbank antwortet nicht. Es ist nichts verloren: die Zahlen kommen von selbst wieder."
    ),
    "The database takes too long to answer. Try again in a minute, or ask for fewer days.": (
        "Die Datenbank braucht zu lange. Bitte in einer Minute erneut versuchen oder weniger Tage abfragen."
    ),
    "The database's clock is not there yet. Try again in a moment.": (
        "Die Uhr der Datenbank ist noch nicht so weit. Bitte gleich noch einmal versuchen."
    ),
    "The database is being set up. The numbers come by themselves.": (
        "Die Datenbank wird gerade eingerichtet. Die Zahlen kommen von selbst."
    ),
    "This page needs JavaScript. The same numbers are behind api/v1/pnl_hourly.": (
        "Diese Seite braucht JavaScript. Dieselben Zahlen gibt es unter api/v1/pnl_hourly."
    ),
    "{start} to {end}": "{start} bis {end}",
    # why an hour is not complete
    "{first}; {last}": "{first}; {last}",
    "{first}, {last}": "{first}, {last}",
    "{what}: {detail}": "{what}: {detail}",
    "trades for this hour have arrived and are not checked yet": (
        "für diese Stunde sind Trades eingegangen, die noch nicht geprüft sind"
    ),
    "changes of this hour are not in the numbers yet": (
        "Änderungen dieser Stunde sind noch nicht in den Zahlen enthalten"
    ),
    "the reference price is overdue": "der Referenzpreis ist überfällig",
    "the final reference price is overdue": "der endgültige Referenzpreis ist überfällig",
    "no connection to the exchange for {gap} of trading time: trades may be missing": (
        "keine Verbindung zur Börse während {gap} der Handelszeit: es können Trades fehlen"
    ),
    "messages of this hour waited for a review": "Nachrichten zu dieser Stunde warteten auf eine Prüfung",
    "1 trade is held back because it breaks a rule ({rule}): it counts if an engineer accepts it": (
        "1 Trade ist zurückgehalten, weil er eine Regel verletzt ({rule}): er zählt, wenn die Technik ihn"
        " freigibt"
    ),
    "{count} trades are held back because they break a rule ({rule}): they count if an engineer accepts them": (
        "{count} Trades sind zurückgehalten, weil sie eine Regel verletzen ({rule}): sie zählen, wenn die"
        " Technik sie freigibt"
    ),
    "1 message from the exchange could not be used: trades may be missing until an engineer has reviewed it": (
        "1 Nachricht der Börse war nicht verwendbar: bis die Technik sie geprüft hat, können Trades fehlen"
    ),
    "{count} messages from the exchange could not be used: trades may be missing until an engineer has reviewed"
    " them": (
        "{count} Nachrichten der Börse waren nicht verwendbar: bis die Technik sie geprüft hat, können Trades"
        " fehlen"
    ),
}
"""Those that the desk itself says, with the fields of include/dashboard/language.py's `say`."""
