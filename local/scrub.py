"""Having a SQLite file forget what was deleted from it, which it keeps in pages that are free."""

import sqlite3


def scrub(connection: sqlite3.Connection) -> None:
    """Write the file anew, and empty the log beside it (https://www.sqlite.org/lang_vacuum.html:
    "running VACUUM after deleting ... ensures that no trace of the deleted content remains").

    Not within a transaction. Takes some seconds for each gigabyte; others wait with their writes.
    """
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
