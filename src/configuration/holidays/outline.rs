//! Where the parts of an iCalendar file begin, and whether it has the shape of one: readers of calendars forgive much and
//! tell no lines, but whoever has to mend a file needs the line.

/// A file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text}")]
pub struct Broken {
    pub line: usize,
    pub text: String,
}

fn broken(line: usize, text: impl Into<String>) -> Broken {
    Broken { line, text: text.into() }
}

/// The text of a file. One that says no encoding is UTF-8, says RFC 5545.
pub fn decoded(bytes: Vec<u8>) -> Result<String, Broken> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        broken(line, "is not UTF-8; convert the file first, for instance with iconv")
    })
}

/// The lines on which the parts of each calendar of the file begin, in order; the first is the calendar itself.
pub fn outline(text: &str) -> Result<Vec<Vec<usize>>, Broken> {
    let mut calendars: Vec<Vec<usize>> = Vec::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    for (line, content) in unfolded(text)? {
        let (name, value) = property(line, &content)?;
        if name.eq_ignore_ascii_case("BEGIN") {
            match (open.is_empty(), value.eq_ignore_ascii_case("VCALENDAR")) {
                (true, true) => calendars.push(vec![line]),
                (true, false) => return Err(no_calendar(line)),
                (false, _) => calendars.last_mut().expect("one is open").push(line),
            }
            open.push((value.to_ascii_uppercase(), line));
        } else if name.eq_ignore_ascii_case("END") {
            match open.pop() {
                Some((begun, _)) if value.eq_ignore_ascii_case(&begun) => {}
                Some((begun, at)) => {
                    return Err(broken(line, format!("ends {value}, but {begun} of line {at} is open")));
                }
                None => return Err(broken(line, format!("ends {value}, which has not begun"))),
            }
        } else if open.is_empty() {
            return Err(no_calendar(line));
        }
    }
    match open.pop() {
        Some((begun, at)) => Err(broken(at, format!("begins {begun}, which has no end; is the file whole?"))),
        None if calendars.is_empty() => Err(no_calendar(1)),
        None => Ok(calendars),
    }
}

fn no_calendar(line: usize) -> Broken {
    broken(line, "is no iCalendar: that begins with BEGIN:VCALENDAR")
}

/// The lines as they were before they were folded, each with the number of its first.
fn unfolded(text: &str) -> Result<Vec<(usize, String)>, Broken> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (place, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, before))) => before.push_str(rest),
            (Some(rest), None) if !rest.trim().is_empty() => return Err(no_calendar(place + 1)),
            _ if line.trim().is_empty() => {}
            _ => lines.push((place + 1, line.to_owned())),
        }
    }
    Ok(lines)
}

/// Name and value of a line such as `SUMMARY;LANGUAGE=de:Neujahr`; what is quoted in between may have colons.
fn property(line: usize, content: &str) -> Result<(&str, &str), Broken> {
    let no_property = || broken(line, "is no property; that is a name, a colon and a value");
    let end = content.find([';', ':']).ok_or_else(no_property)?;
    let name = &content[..end];
    if name.is_empty() || !name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-') {
        return Err(no_property());
    }
    let mut quoted = false;
    let colon = content[end..].find(|it| {
        quoted ^= it == '"';
        it == ':' && !quoted
    });
    let colon = colon.ok_or_else(no_property)?;
    Ok((name, content[end + colon + 1..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_found_by_their_lines() {
        let file = "\u{feff}BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\r\nBEGIN:VEVENT\r\nSUMMARY;X=\"a:b\":Neu\r\n jahr\r\n\
                    BEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n\
                    begin:vcalendar\nend:VCALENDAR\n";
        assert_eq!(outline(file), Ok(vec![vec![1, 4, 7, 10], vec![13]]));
        assert_eq!(property(1, "SUMMARY;X=\"a:b\":c:d").ok(), Some(("SUMMARY", "c:d")));
    }

    #[test]
    fn what_is_broken_is_told_with_its_line() {
        let cases = [
            ("", 1, "is no iCalendar"),
            ("<html>\n", 1, "is no property"),
            ("\n\nVERSION:2.0\n", 3, "is no iCalendar"),
            ("BEGIN:VCARD\nEND:VCARD\n", 1, "is no iCalendar"),
            (" folded\nBEGIN:VCALENDAR\n", 1, "is no iCalendar"),
            (
                "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
                3,
                "ends VCALENDAR, but VEVENT of line 2 is open",
            ),
            ("BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n", 3, "which has not begun"),
            ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n", 2, "begins VEVENT, which has no end"),
            ("BEGIN:VCALENDAR\nVERSION:2.0\nno colon here\n", 3, "is no property"),
            ("BEGIN:VCALENDAR\nÜBER:x\n", 2, "is no property"),
            ("BEGIN:VCALENDAR\nX;Y=\"a:b\n", 2, "is no property"),
        ];
        for (file, line, text) in cases {
            let told = outline(file).expect_err(file);
            assert!(told.line == line && told.text.contains(text), "{file:?}: {told}");
        }
        assert_eq!(decoded(b"a\nb\nK\xf6nig\n".to_vec()).map_err(|told| told.line), Err(3));
        assert_eq!(decoded("König".into()).as_deref(), Ok("König"));
    }
}
