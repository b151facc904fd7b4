"""German for the sentences that others store in the warehouse, by the English ones; fields are what varies."""

CAUSES: dict[str, str] = {
    "new row": "neue Zeile",
    "row removed": "Zeile entfallen",
    "trades": "Trades",
    "late trades": "späte Trades",
    "price": "Preis",
    "amendment": "Änderung eines Trades",
    "cancellation": "Stornierung",
    "statement": "Tagesdatei der Börse",
    "price revision": "Preiskorrektur",
    "price status": "Preisstatus",
    "completeness": "Vollständigkeit",
}
"""Causes of `curated.pnl_hourly_changes`."""

STORED: dict[str, str] = {
    "less than 1 s": "weniger als 1 s",
    "1 delivery hour": "einer Lieferstunde",
    "{count} delivery hours": "{count} Lieferstunden",
    # alarms, as traders read them
    "We are not recording trades: what is traded now is missing here, and its hours stay incomplete.": (
        "Wir zeichnen keine Trades auf: was jetzt gehandelt wird, fehlt hier, und seine Stunden bleiben"
        " unvollständig."
    ),
    "We are not connected to the exchange: what is traded now is missing here,"
    " and its hours stay incomplete.": (
        "Wir sind nicht mit der Börse verbunden: was jetzt gehandelt wird, fehlt hier, und seine Stunden"
        " bleiben unvollständig."
    ),
    "Some trades or prices that arrived more than {count} minutes ago are not in these numbers yet.": (
        "Einige Trades oder Preise, die vor mehr als {count} Minuten eingegangen sind, fehlen noch in diesen"
        " Zahlen."
    ),
    "No trades arrive from the exchange: nobody trades, or we are not sent what is traded.": (
        "Von der Börse kommen keine Trades: entweder handelt niemand, oder wir bekommen sie nicht zugesandt."
    ),
    "One of our recordings of the exchange lacks trades that another one has: the numbers are complete.": (
        "Einer unserer Aufzeichnungen der Börse fehlen Trades, die eine andere hat: die Zahlen sind"
        " vollständig."
    ),
    "The provider changed the reference price of {hours} after it was final:"
    " PnL of these hours was calculated again.": (
        "Der Anbieter hat den Referenzpreis von {hours} geändert, nachdem er endgültig war:"
        " die PnL wurde dort neu berechnet."
    ),
    "The provider stopped updating the reference price of {hours} before trading ended:"
    " it may lack the last trades.": (
        "Der Anbieter hat den Referenzpreis von {hours} vor Handelsschluss zuletzt aktualisiert:"
        " die letzten Trades fehlen darin womöglich."
    ),
    "The reference prices of all open hours are the same, {number} EUR/MWh: they may be wrong.": (
        "Die Referenzpreise aller offenen Stunden sind gleich, {number} EUR/MWh: sie sind womöglich falsch."
    ),
    "The provider has no reference price for any hour: prices stay as they are or are missing.": (
        "Der Anbieter hat für keine Stunde einen Referenzpreis: die Preise bleiben, wie sie sind, oder fehlen."
    ),
    "The exchange's end-of-day file has not come: capture gaps stay open.": (
        "Die Tagesdatei der Börse ist nicht gekommen: Aufzeichnungslücken bleiben offen."
    ),
    "The exchange's end-of-day file is there but not reconciled yet: capture gaps stay open.": (
        "Die Tagesdatei der Börse ist da, aber noch nicht abgeglichen: Aufzeichnungslücken bleiben offen."
    ),
    "The exchange's end-of-day file changed and is not reconciled again yet: trades are as before.": (
        "Die Tagesdatei der Börse ist geändert und noch nicht neu abgeglichen: die Trades sind wie zuvor."
    ),
    "1 trade is held back because a check failed, until an engineer decides.": (
        "1 Trade ist nach einer fehlgeschlagenen Prüfung zurückgehalten, bis die Technik entscheidet."
    ),
    "{count} trades are held back because a check failed, until an engineer decides.": (
        "{count} Trades sind nach einer fehlgeschlagenen Prüfung zurückgehalten, bis die Technik entscheidet."
    ),
    "1 message was unreadable; the hours that may lack trades are marked incomplete.": (
        "1 Nachricht war unlesbar; Stunden, in denen Trades fehlen können, sind als unvollständig markiert."
    ),
    "{count} messages were unreadable; the hours that may lack trades are marked incomplete.": (
        "{count} Nachrichten waren unlesbar; Stunden, in denen Trades fehlen können, sind als unvollständig"
        " markiert."
    ),
    "The exchange's end-of-day file and our trades differ, until an engineer decides.": (
        "Die Tagesdatei der Börse und unsere Trades weichen voneinander ab, bis die Technik entscheidet."
    ),
    "The exchange's end-of-day file added or changed trades: PnL was calculated again.": (
        "Die Tagesdatei der Börse hat Trades ergänzt oder geändert: die PnL wurde neu berechnet."
    ),
    "1 limit reached: {list}.": "1 Limit erreicht: {list}.",
    "{count} limits reached: {list}.": "{count} Limits erreicht: {list}.",
    "{who}, {when}: position of {number} MWh, the limit is {limit}": (
        "{who}, {when}: Position von {number} MWh, das Limit ist {limit}"
    ),
    "{who}, {when}: loss of {number} EUR, the limit is {limit}": (
        "{who}, {when}: Verlust von {number} EUR, das Limit ist {limit}"
    ),
    "{who}, {when}: trade {trade} {number} EUR/MWh from the reference price, the limit is {limit}": (
        "{who}, {when}: Trade {trade} {number} EUR/MWh vom Referenzpreis entfernt, das Limit ist {limit}"
    ),
    "the portfolio": "das Portfolio",
    "and {count} more": "und {count} weitere",
    "The provider of reference prices does not answer: prices stay as they are until it does.": (
        "Der Anbieter der Referenzpreise antwortet nicht: die Preise bleiben so lange, wie sie sind."
    ),
    "The hourly calculation is late: what you see may lack the last trades and prices.": (
        "Die stündliche Berechnung ist verspätet: die letzten Trades und Preise fehlen hier womöglich."
    ),
    "No new reference prices have arrived: PnL is calculated with the last ones.": (
        "Es sind keine neuen Referenzpreise eingegangen: die PnL ist mit den letzten berechnet."
    ),
    "New trades have not reached this page: what you see ends here.": (
        "Neue Trades haben diese Seite nicht erreicht: was hier steht, ist der letzte Stand."
    ),
    "PnL has not been calculated anew: what you see may lack the last trades and prices.": (
        "Die PnL wurde nicht neu berechnet: die letzten Trades und Preise fehlen hier womöglich."
    ),
    "Some trades or prices have arrived and are not in PnL yet.": (
        "Einige Trades oder Preise sind eingegangen und noch nicht in der PnL enthalten."
    ),
    # why a price is missing
    "the provider answered, but batch {batch} of its reply is not validated yet": (
        "der Anbieter hat geantwortet, aber die Ladung {batch} seiner Antwort ist noch nicht geprüft"
    ),
    "the provider was never asked": "der Anbieter wurde nie abgefragt",
    "the provider did not answer": "der Anbieter hat nicht geantwortet",
    "the provider has no price for it": "der Anbieter hat keinen Preis dafür",
    "the provider answered HTTP {status}": "der Anbieter hat mit HTTP {status} geantwortet",
    "the reply was refused (ops.rejected_messages) or is not loaded yet": (
        "die Antwort wurde abgelehnt (ops.rejected_messages) oder ist noch nicht geladen"
    ),
    "the provider was not asked since the last publication": (
        "der Anbieter wurde seit der letzten Veröffentlichung nicht abgefragt"
    ),
    "the provider still gives the value of {moment} UTC, from before the last trades": (
        "der Anbieter liefert noch den Wert von {moment} UTC, von vor den letzten Trades"
    ),
    "the price is there and not built in yet": "der Preis ist da und noch nicht verrechnet",
    # expectations of trades
    "each trade's id has characters": "die Kennung jedes Trades ist nicht leer",
    "each trade says who traded": "jeder Trade nennt den Händler",
    "each trade has its {column}": "jeder Trade hat {column}",
    "each trade has a readable execution time": "jeder Trade hat eine lesbare Ausführungszeit",
    "each trade is a buy or a sell": "jeder Trade ist ein Kauf oder Verkauf",
    "each price is within the exchange's bounds, {low} to {high} EUR/MWh": (
        "jeder Preis liegt in den Grenzen der Börse, {low} bis {high} EUR/MWh"
    ),
    "each quantity is above 0 MW": "jede Menge liegt über 0 MW",
    "start and end of delivery are those of the delivery hour in the market's calendar": (
        "Beginn und Ende der Lieferung sind die der Lieferstunde im Kalender des Markts"
    ),
    "delivery starts on the delivery day, in the market's local time": (
        "die Lieferung beginnt am Liefertag, in der Ortszeit des Markts"
    ),
    "no trade was executed after its delivery began": (
        "kein Trade wurde nach Beginn seiner Lieferung ausgeführt"
    ),
    "each trade was executed within 3 hours of its receipt": (
        "jeder Trade wurde höchstens 3 Stunden vor oder nach seinem Eingang ausgeführt"
    ),
    "no trade was received after it was loaded (the clock of the capture would be ahead)": (
        "kein Trade ging nach dem Laden ein (die Uhr der Aufzeichnung ginge vor)"
    ),
    "each quantity is at most {limit} MW": "jede Menge ist höchstens {limit} MW",
    "each price is at most {limit} EUR/MWh away from the reference price of its hour, if there is one": (
        "jeder Preis ist höchstens {limit} EUR/MWh vom Referenzpreis seiner Stunde entfernt, falls es einen"
        " gibt"
    ),
    # reasons of rejects
    "the message is not UTF-8 text": "die Nachricht ist kein UTF-8-Text",
    "the message has more than 1,000,000 characters, or reading it failed unexpectedly": (
        "die Nachricht hat mehr als 1.000.000 Zeichen, oder sie zu lesen schlug unerwartet fehl"
    ),
    "the message is not one JSON value with each key once": (
        "die Nachricht ist kein einzelner JSON-Wert mit jedem Schlüssel nur einmal"
    ),
    "the message is JSON, but no confirmation, cancellation or operational message": (
        "die Nachricht ist JSON, aber weder Bestätigung noch Stornierung noch Betriebsnachricht"
    ),
    "a field that every message of its kind has is missing": (
        "ein Feld fehlt, das jede Nachricht dieser Art hat"
    ),
    "the id is neither a text of 1 to 200 storable characters nor a whole number": (
        "die Kennung ist weder ein Text mit 1 bis 200 speicherbaren Zeichen noch eine ganze Zahl"
    ),
    "the trader is neither a text of 1 to 200 storable characters nor a whole number": (
        "der Händler ist weder ein Text mit 1 bis 200 speicherbaren Zeichen noch eine ganze Zahl"
    ),
    "the direction is neither buy nor sell": "die Richtung ist weder Kauf noch Verkauf",
    "the price is not a finite number that fits (9 digits before the point)": (
        "der Preis ist keine endliche Zahl, die passt (9 Stellen vor dem Komma)"
    ),
    "the quantity is not a finite number of MW that fits (9 digits before the point)": (
        "die Menge ist keine endliche Zahl in MW, die passt (9 Stellen vor dem Komma)"
    ),
    "the delivery day is not a date YYYY-MM-DD of the years 2000 to 2099": (
        "der Liefertag ist kein Datum JJJJ-MM-TT der Jahre 2000 bis 2099"
    ),
    "the delivery hour is no label of a delivery period": (
        "die Lieferstunde ist keine Bezeichnung einer Lieferperiode"
    ),
    "the delivery hour does not exist on that day (a change of clocks)": (
        "die Lieferstunde gibt es an diesem Tag nicht (Zeitumstellung)"
    ),
    "the revision is not a whole number from 0 to 9,223,372,036,854,775,807": (
        "die Revision ist keine ganze Zahl von 0 bis 9.223.372.036.854.775.807"
    ),
    "the state of the trade is none that we know: nobody can say whether it counts": (
        "der Status des Trades ist unbekannt: niemand kann sagen, ob er zählt"
    ),
    "the unit of the price or the quantity is none that we know": (
        "die Einheit des Preises oder der Menge ist unbekannt"
    ),
    "the currency is not that of the market; nothing is converted": (
        "die Währung ist nicht die des Markts; umgerechnet wird nicht"
    ),
    "this revision of the trade came before with other content; the first counts": (
        "diese Revision des Trades kam schon mit anderem Inhalt; es zählt die erste"
    ),
    "the message was read, but the warehouse refused to store it": (
        "die Nachricht wurde gelesen, aber die Datenbank hat sie nicht angenommen"
    ),
    "the writer was killed in the middle of this line, or the statement is truncated there": (
        "das Schreiben brach mitten in dieser Zeile ab, oder die Tagesdatei ist dort abgeschnitten"
    ),
    "the line was not written by capture or pull: it has neither a message nor an event": (
        "die Zeile stammt nicht von Aufzeichnung oder Abruf: sie enthält weder Nachricht noch Ereignis"
    ),
    "the provider refused the request as malformed": "der Anbieter hat die Anfrage als fehlerhaft abgelehnt",
    "the provider answered with a status that its contract does not know": (
        "der Anbieter hat mit einem Status geantwortet, den sein Vertrag nicht kennt"
    ),
    "the provider answered for another delivery hour than the one asked for": (
        "der Anbieter hat für eine andere als die abgefragte Lieferstunde geantwortet"
    ),
    "the unit is neither euro/mwh nor euro; nothing is converted": (
        "die Einheit ist weder euro/mwh noch euro; umgerechnet wird nicht"
    ),
    "the price is outside the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh or as MARKETS_FILE says": (
        "der Preis liegt außerhalb der Grenzen der Börse, -9.999,99 bis 9.999,99 EUR/MWh oder laut MARKETS_FILE"
    ),
    "the trade of a statement is not of its day, that of execution or of delivery": (
        "der Trade einer Tagesdatei ist nicht von ihrem Tag, dem der Ausführung oder der Lieferung"
    ),
    "the line of a statement has more or fewer columns than its header": (
        "die Zeile einer Tagesdatei hat mehr oder weniger Spalten als ihre Kopfzeile"
    ),
    "the reply was received after it was loaded: the clock of the pull was ahead": (
        "die Antwort ging nach dem Laden ein: die Uhr des Abrufs ging vor"
    ),
}
"""Alarms, expectations, reasons of rejects and of missing prices."""
