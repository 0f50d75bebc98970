//! JSON, as much of it as a phone reads of a server's answers, and writes.
//!
//! nojson reads and writes it, with one tree of values for all answers: a reader derived for each type of them
//! would weigh as much as the rest of what a phone does with the answers.

mod reader;

use std::fmt::{self, Display, Write as _};

use base64ct::{Base64, Encoding};

/// Bytes of JSON that are read at most: several times what a server answers. A tree takes some forty times as much,
/// and what a stranger's hotspot answers must not fill a phone's memory.
const MAX_LEN: usize = 1 << 20;

/// A value; numbers as they were written, since a double does not hold all of 64 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl<'a> Value<'a> {
    /// The value that `json` holds and nothing else; `None` where it is not JSON (RFC 8259), nested more than
    /// 128 deep, or longer than [`MAX_LEN`].
    pub(crate) fn read(json: &'a [u8]) -> Option<Self> {
        let json = (json.len() <= MAX_LEN).then_some(json)?;
        reader::read(std::str::from_utf8(json).ok()?)
    }

    /// A field of an object; `None` where this is no object, the field is missing, or is there twice.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let mut named = self.object()?.iter().filter(|(key, _)| key == name);
        let (_, value) = named.next()?;
        named.next().is_none().then_some(value)
    }

    /// The same where a field may be missing: then `Some(None)`.
    #[expect(clippy::option_option, reason = "missing, null and wrong are three")]
    pub(crate) fn given(&self, name: &str) -> Option<Option<&Self>> {
        let missing = !self.object()?.iter().any(|(key, _)| key == name);
        if missing { Some(None) } else { self.field(name).map(Some) }
    }

    /// The same where it may be null, too. What is neither must be what `read` takes.
    #[expect(clippy::option_option, reason = "missing, null and wrong are three")]
    pub(crate) fn optional<'v, T>(
        &'v self,
        name: &str,
        read: impl FnOnce(&'v Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.given(name)? {
            None | Some(Self::Null) => Some(None),
            Some(value) => read(value).map(Some),
        }
    }

    fn object(&self) -> Option<&[(String, Self)]> {
        if let Self::Object(fields) = self { Some(fields) } else { None }
    }

    pub(crate) fn array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// A number without sign, fraction or exponent.
    pub(crate) fn u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.parse().ok() } else { None }
    }

    /// The same of 32 bits.
    pub(crate) fn u32(&self) -> Option<u32> {
        self.u64()?.try_into().ok()
    }

    /// The whole part of a number, at most `u32::MAX`, and 0 where it is negative.
    pub(crate) fn whole(&self) -> Option<u32> {
        let Self::Number(number) = self else { return None };
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.starts_with('-') {
            return Some(0);
        }
        let point = whole.len() as i64 + i64::from(exponent.parse::<i16>().ok()?);
        let digits = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat(b'0'));
        let digits = digits.take(usize::try_from(point).unwrap_or(0));
        Some(
            digits.fold(0, |n: u32, digit| {
                n.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
            }),
        )
    }

    /// The texts of an array that holds nothing else.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        self.array()?.iter().map(|text| text.text().map(str::to_owned)).collect()
    }
}

/// Writes an object, a field at a time; names are written as they are, without escapes.
pub(crate) struct ObjectWriter(String);

impl ObjectWriter {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// A field of what is written as JSON writes it: a number, a bool, an array or an object.
    pub(crate) fn json(&mut self, name: &str, value: &dyn Display) -> &mut Self {
        self.name(name);
        // Writing to a text does not fail.
        let _ = write!(self.0, "{value}");
        self
    }

    /// The same, `null` where there is none.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.json(name, &value),
            None => self.json(name, &"null"),
        }
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name);
        write_text(&mut self.0, text);
        self
    }

    /// Bytes as text, in Base64 (RFC 4648, section 4).
    pub(crate) fn base64(&mut self, name: &str, bytes: &[u8]) -> &mut Self {
        self.text(name, &Base64::encode_string(bytes))
    }

    /// An array of texts.
    pub(crate) fn texts(&mut self, name: &str, texts: &[String]) -> &mut Self {
        self.name(name);
        self.0.push('[');
        for (n, text) in texts.iter().enumerate() {
            if n > 0 {
                self.0.push(',');
            }
            write_text(&mut self.0, text);
        }
        self.0.push(']');
        self
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        write_text(&mut self.0, name);
        self.0.push(':');
    }

    /// The object.
    pub(crate) fn end(&mut self) -> String {
        self.0.push('}');
        std::mem::take(&mut self.0)
    }
}

fn write_text(out: &mut String, text: &str) {
    // Writing to a text does not fail.
    let _ = write!(out, "{}", nojson::Json(text));
}

/// A number with so many decimals, of the integer without its point.
pub(crate) struct Decimal {
    pub(crate) number: i64,
    pub(crate) decimals: u32,
}

impl Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.number < 0 { "-" } else { "" };
        let scale = 10_u64.pow(self.decimals);
        let (whole, rest) =
            (self.number.unsigned_abs() / scale, self.number.unsigned_abs() % scale);
        write!(f, "{sign}{whole}.{rest:0width$}", width = self.decimals as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Option<Value<'_>> {
        Value::read(json.as_bytes())
    }

    #[test]
    fn fields_are_there_once_or_not_at_all() {
        let value = read(r#"{"a":1,"b":null,"c":"x","c":"y"}"#).unwrap();
        assert_eq!(value.field("a").and_then(Value::u64), Some(1));
        assert_eq!(value.field("c"), None, "which of the two?");
        let optional = |name: &str| value.optional(name, Value::u64);
        assert_eq!(optional("a"), Some(Some(1)));
        assert_eq!((optional("b"), optional("missing")), (Some(None), Some(None)));
        assert_eq!((optional("c"), value.optional("a", Value::bool)), (None, None));
        assert_eq!(Value::Null.optional("a", Value::u64), None, "no object");
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        let padded = |len| "[1]".to_owned() + &" ".repeat(len - 3);
        assert!(read(&padded(MAX_LEN)).is_some());
        assert!(read(&padded(MAX_LEN + 1)).is_none());
    }

    #[test]
    fn numbers_are_what_they_say_or_none() {
        let number = |json| read(json).unwrap().u64();
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        for json in ["18446744073709551616", "-1", "-0", "1.0", "1e3", "\"1\"", "null", "[1]"] {
            assert_eq!(number(json), None, "{json}");
        }
        assert_eq!(read("4294967296").unwrap().u32(), None);
        for (json, want) in [
            ("3.9", 3),
            ("0.5e1", 5),
            ("1234E-2", 12),
            ("12e+3", 12_000),
            ("1e-400", 0),
            ("-7.5", 0),
            ("4294967296", u32::MAX),
            ("1e300", u32::MAX),
        ] {
            assert_eq!(read(json).unwrap().whole(), Some(want), "{json}");
        }
        assert_eq!(read("true").unwrap().whole(), None);
    }

    #[test]
    fn decimals_keep_their_sign_and_their_zeros() {
        for (number, decimals, want) in
            [(-1, 6, "-0.000001"), (52_520_008, 6, "52.520008"), (-305, 1, "-30.5"), (0, 2, "0.00")]
        {
            assert_eq!(Decimal { number, decimals }.to_string(), want);
        }
    }

    proptest! {
        /// An independent implementation reads what is written here.
        #[test]
        fn another_reads_what_is_written(
            texts in proptest::collection::vec(any::<String>(), 0..4),
            number in any::<u64>(),
            some in any::<Option<i64>>(),
        ) {
            let mut object = ObjectWriter::new();
            object.texts("texts", &texts).json("number", &number).text("text", &texts.concat());
            object.optional("some", some);
            let json = object.end();
            let theirs: serde_json::Value = serde_json::from_str(&json).unwrap();
            let want = serde_json::json!({
                "texts": texts, "number": number, "text": texts.concat(), "some": some,
            });
            prop_assert_eq!(theirs, want);
            let ours = read(&json).unwrap();
            prop_assert_eq!(ours.field("texts").and_then(Value::texts), Some(texts));
        }
    }
}
