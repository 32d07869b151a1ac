import Database from 'better-sqlite3'

/** A text in quotes, or a parameter. */
const QUOTED_OR_PARAMETER = /'[^']*'|\?/g

/**
 * A connection whose statements are compiled when they are prepared, and never again. SQLite takes
 * the value of a parameter into its plan where it may help: `LIMIT ?`, and `column = ?` beside a
 * join or an order. Such a plan ends with its values, which better-sqlite3 clears after every
 * execution: the next one would compile anew, and build its rows anew, for several times what the
 * query takes. A unary plus keeps the value from the planner. The column beside it keeps its
 * affinity and its index. (SQLite's own switch for it cannot be reached through better-sqlite3.)
 *
 * https://sqlite.org/queryplanner-ng.html#qpsg, https://sqlite.org/optoverview.html#disqualify
 */
export class PlannedOnce extends Database {
  override prepare<Bound extends unknown[] | NonNullable<unknown> = unknown[], Row = unknown>(
    sql: string,
  ): Database.Statement<Bound, Row> {
    const planned = sql.replace(QUOTED_OR_PARAMETER, part => (part === '?' ? '+?' : part))
    return super.prepare<Bound, Row>(planned)
  }
}
