//! Reads JSON as RFC 8259 has it: strictly, and not too deep for a thread's stack.

use super::Value;

/// Arrays and objects within each other.
const MAX_DEPTH: u32 = 128;

pub(super) fn read(json: &str) -> Option<Value<'_>> {
    let mut reader = Reader { rest: json };
    let value = reader.value(MAX_DEPTH)?;
    reader.space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\t', '\r']);
    }

    /// Goes past a text, where it is next after white space.
    fn takes(&mut self, text: &str) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: u32) -> Option<Value<'a>> {
        if self.takes("{") {
            let depth = depth.checked_sub(1)?;
            let mut fields = Vec::new();
            self.items("}", |reader| {
                let name = reader.takes("\"").then(|| reader.text())??;
                reader.takes(":").then_some(())?;
                fields.push((name, reader.value(depth)?));
                Some(())
            })?;
            return Some(Value::Object(fields));
        }
        if self.takes("[") {
            let depth = depth.checked_sub(1)?;
            let mut items = Vec::new();
            self.items("]", |reader| {
                items.push(reader.value(depth)?);
                Some(())
            })?;
            return Some(Value::Array(items));
        }
        if self.takes("\"") {
            return self.text().map(Value::Text);
        }
        let words =
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            if self.takes(word) {
                return Some(value);
            }
        }
        self.number().map(Value::Number)
    }

    /// What stands between commas, up to `end`.
    fn items(&mut self, end: &str, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.takes(end) {
            return Some(());
        }
        loop {
            item(self)?;
            if self.takes(end) {
                return Some(());
            }
            self.takes(",").then_some(())?;
        }
    }

    /// `-? (0 | [1-9] [0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        let digits = |at: usize| bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut at = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(at);
        if whole == 0 || whole > 1 && bytes[at] == b'0' {
            return None;
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            at += 1 + fraction;
            (fraction > 0).then_some(())?;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits(at);
            at += exponent;
            (exponent > 0).then_some(())?;
        }
        let (number, rest) = self.rest.split_at(at);
        self.rest = rest;
        Some(number)
    }

    /// A text after its first quotation mark.
    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let stop = self.rest.find(|c: char| matches!(c, '"' | '\\') || c < ' ')?;
            text.push_str(&self.rest[..stop]);
            let stopped_by = self.rest.as_bytes()[stop];
            self.rest = &self.rest[stop + 1..];
            match stopped_by {
                b'"' => return Some(text),
                b'\\' => text.push(self.escaped()?),
                // A control character must be escaped.
                _ => return None,
            }
        }
    }

    /// What a backslash begins.
    fn escaped(&mut self) -> Option<char> {
        let (letter, rest) = self.rest.split_at_checked(1)?;
        self.rest = rest;
        Some(match letter {
            "\"" | "\\" | "/" => letter.chars().next()?,
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => {
                let first = self.unit()?;
                let units = if matches!(first, 0xd800..=0xdbff) {
                    self.rest = self.rest.strip_prefix("\\u")?;
                    [first, self.unit()?]
                } else {
                    [first, 0]
                };
                // Half of a pair is no character.
                char::decode_utf16(units).next()?.ok()?
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        // A sign, which the number's own reader takes, is none here.
        let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What another implementation reads.
    fn is_theirs(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
        use serde_json::Value as Theirs;
        match (ours, theirs) {
            (Value::Null, Theirs::Null) => true,
            (Value::Bool(a), Theirs::Bool(b)) => a == b,
            (Value::Text(a), Theirs::String(b)) => a == b,
            (Value::Number(a), Theirs::Number(b)) => match b.as_u64() {
                Some(n) => a.parse() == Ok(n),
                None => {
                    let (a, b): (f64, f64) = (a.parse().unwrap(), b.as_f64().unwrap());
                    // It reads fractions in a hurry, and may miss the last bits.
                    (a - b).abs() <= 4.0 * f64::EPSILON * b.abs()
                }
            },
            (Value::Array(a), Theirs::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_theirs(a, b))
            }
            (Value::Object(a), Theirs::Object(b)) => b.iter().all(|(name, b)| {
                // The last of a name is theirs.
                a.iter().rfind(|(key, _)| key == name).is_some_and(|(_, a)| is_theirs(a, b))
            }),
            _ => false,
        }
    }

    fn check(json: &str) {
        match (read(json), serde_json::from_str::<serde_json::Value>(json)) {
            (Some(ours), Ok(theirs)) => assert!(is_theirs(&ours, &theirs), "{json}: {ours:?}"),
            (None, Err(_)) => {}
            // It refuses numbers that a double does not hold.
            (Some(_), Err(error)) if error.to_string().contains("out of range") => {}
            (ours, theirs) => panic!("{json}: {ours:?}, {theirs:?}"),
        }
    }

    #[test]
    fn it_reads_and_refuses_what_another_does() {
        for json in [
            "",
            " ",
            "null",
            " null ",
            "nul",
            "nulls",
            "True",
            "true false",
            "\u{feff}null",
            "0",
            "-0",
            "-",
            "00",
            "-01",
            "1.",
            ".1",
            "1.5",
            "1e",
            "1e+",
            "1E-07",
            "+1",
            "0x1",
            "1e999",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775809",
            "NaN",
            r#""""#,
            r#"""#,
            r#""a"#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\x""#,
            r#""\"#,
            "\"a\nb\"",
            "\"\u{7f}é漢😀\"",
            r#""\u00e9\u0000""#,
            r#""\ud83d\ude00""#,
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83dx""#,
            r#""\ud83d\u0041""#,
            r#""\u+041""#,
            r#""\u12""#,
            r#""\ué1""#,
            "[]",
            "[ ]",
            "[1]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1",
            "]",
            "[[],{}]",
            "{}",
            "{ }",
            "{,}",
            r#"{"a":1}"#,
            r#"{"a":1,}"#,
            r#"{"a" : [1 , 2] , "b":{}}"#,
            r#"{"a"}"#,
            "{1:2}",
            r#"{"a":1 "b":2}"#,
            r#"{"a":1,"a":2}"#,
            "{\"a\":1}\n",
            "<html>",
        ] {
            check(json);
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(read(&nested(128)).is_some() && read(&nested(129)).is_none());
        assert!(read(&"[".repeat(1_000_000)).is_none());
    }

    proptest! {
        #[test]
        fn any_value_is_read_as_another_reads_it(json in json()) {
            check(&json);
        }

        #[test]
        fn any_damage_is_found_where_another_finds_it(
            json in json(),
            at in any::<proptest::sample::Index>(),
            instead in prop::sample::select(vec!['"', '\\', '{', ']', ',', ':', '0', '-', '.', 'e', 'u', ' ', '\u{1}']),
        ) {
            let mut chars: Vec<char> = json.chars().collect();
            let at = at.index(chars.len());
            chars[at] = instead;
            check(&chars.into_iter().collect::<String>());
        }
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            "\\PC{0,8}".prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        let value = leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        });
        value.prop_map(|value| value.to_string())
    }
}
