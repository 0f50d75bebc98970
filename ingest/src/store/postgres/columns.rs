//! Values as columns hold them.

use tokio_postgres::{Row, types::FromSql};

use super::connection::{Fault, Outcome};

/// A number as Postgres holds it. What comes from outside is below 2^63 by the types it passed.
pub(super) fn int(value: u64) -> Outcome<i64> {
    i64::try_from(value).map_err(|_| Fault::Corrupt(format!("{value} does not fit a column")))
}

/// Numbers of many rows, as a column.
pub(super) fn ints<T>(rows: &[T], of: impl Fn(&T) -> u64) -> Outcome<Vec<i64>> {
    rows.iter().map(|row| int(of(row))).collect()
}

/// How many rows at most.
pub(super) fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A value of a row.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Outcome<T> {
    Ok(row.try_get(column)?)
}

/// A number of a row.
pub(super) fn uint(row: &Row, column: usize) -> Outcome<u64> {
    let value: i64 = get(row, column)?;
    u64::try_from(value).map_err(|_| Fault::Corrupt(format!("a column holds {value}")))
}

/// Bytes of a fixed length of a row.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Outcome<[u8; N]> {
    let value: &[u8] = get(row, column)?;
    value
        .try_into()
        .map_err(|_| Fault::Corrupt(format!("a column of {} bytes, not {N}", value.len())))
}
