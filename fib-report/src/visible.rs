//! Text from elsewhere, made safe for a terminal: a record, an engine or a file name may hold
//! characters that move the cursor, change the title or reverse the reading order.

use serde_json::Value;
use std::borrow::Cow;

/// The text with every control character (C0 and C1) and every character that changes the reading
/// direction shown as `\u001b`, as JSON writes it.
///
/// ```
/// assert_eq!(fib_report::visible("F(5) = 5"), "F(5) = 5");
/// assert_eq!(fib_report::visible("\x1b[2Jred\n"), r"\u001b[2Jred\u000a");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 5);
    for character in text.chars() {
        match is_hidden(character) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(character))),
            false => shown.push(character),
        }
    }
    shown.into()
}

/// Whether a terminal would obey this character in place of printing it.
pub fn is_hidden(character: char) -> bool {
    let reverses = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || reverses
}

/// Makes every text of a JSON value visible, names of fields included.
pub(crate) fn make_visible(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(shown) = visible(text) {
                *text = shown;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(make_visible),
        Value::Object(fields) => {
            let taken = std::mem::take(fields).into_iter();
            *fields = taken
                .map(|(name, mut value)| {
                    make_visible(&mut value);
                    (visible(&name).into_owned(), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
