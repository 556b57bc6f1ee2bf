//! Page tokens and cursors: opaque, sealed, bound to what they were made for. A sort key can be personal data, so a
//! token is encrypted, not just signed; a token that was made for another tenant, method, filter or order does not open.

use chacha20poly1305::{
    AeadCore, ChaCha20Poly1305, KeyInit,
    aead::{Aead, OsRng, Payload},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    db::Db,
    error::{Error, Reason, Result, Violation},
};

/// Length of the nonce in front of each sealed token, bytes.
const NONCE: usize = 12;

/// Seals and opens tokens with a key that all replicas share.
#[derive(Clone)]
pub struct Sealer(ChaCha20Poly1305);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// With the database's key of this name; the first replica makes it.
    pub async fn load(db: &Db, name: &str) -> Result<Self> {
        let key = db.secret(name, &Self::fresh_key()).await?;
        let cipher = ChaCha20Poly1305::new_from_slice(&key).map_err(Error::internal)?;
        Ok(Self(cipher))
    }

    pub fn fresh_key() -> Vec<u8> {
        ChaCha20Poly1305::generate_key(&mut OsRng).to_vec()
    }

    /// With a key of one's own, which nobody shares.
    pub fn alone() -> Self {
        Self(ChaCha20Poly1305::new(&ChaCha20Poly1305::generate_key(&mut OsRng)))
    }

    /// A token with this content, for this purpose only.
    pub fn seal<T: Serialize>(&self, purpose: &str, content: &T) -> Result<String> {
        let nonce = ChaCha20Poly1305::generate_nonce(&mut OsRng);
        let plain = serde_json::to_vec(content).map_err(Error::internal)?;
        let payload = Payload { msg: &plain, aad: purpose.as_bytes() };
        let sealed =
            self.0.encrypt(&nonce, payload).map_err(|_| Error::internal("sealing a token failed"))?;
        Ok(BASE64URL_NOPAD.encode(&[nonce.as_slice(), &sealed].concat()))
    }

    /// The content, if the token was sealed for this purpose.
    pub fn open<T: DeserializeOwned>(&self, purpose: &str, token: &str) -> Option<T> {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        let plain = self.0.decrypt(nonce.into(), payload).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

/// One page of a list: how many, and behind what.
#[derive(Clone, Debug)]
pub struct Page<K> {
    pub size: i64,
    /// The sort key of the last row of the page before.
    pub after: Option<K>,
}

/// Default and largest page of every list.
pub const PAGE_DEFAULT: i32 = 50;
pub const PAGE_MAX: i32 = 200;
/// What a page takes on the wire at most, about: well below what clients take by default.
pub const PAGE_BYTES: usize = 1 << 20;

impl<K: DeserializeOwned> Page<K> {
    /// Reads the paging fields of a list request; `purpose` binds the token to tenant, method, filter and order.
    pub fn parse(sealer: &Sealer, purpose: &str, size: i32, token: &str) -> Result<Self> {
        let size = match size {
            ..0 => return Err(Error::field("page_size", "must not be negative")),
            0 => PAGE_DEFAULT,
            1.. => size.min(PAGE_MAX),
        };
        let after =
            if token.is_empty() { None } else { Some(sealer.open(purpose, token).ok_or_else(bad_token)?) };
        Ok(Self { size: i64::from(size), after })
    }
}

impl<K> Page<K> {
    /// What to ask of the database: one row more than the page, to see whether there is another page.
    pub fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Cuts the extra row off and seals the place of the last row that stays.
    pub fn finish<T>(
        &self,
        sealer: &Sealer,
        purpose: &str,
        rows: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<(Vec<T>, String)>
    where
        K: Serialize,
    {
        self.finish_within(sealer, purpose, rows, key, |_| 0)
    }

    /// As [`Self::finish`], for rows with long texts: also ends the page before the row with which it would outgrow
    /// [`PAGE_BYTES`], unless that is the first.
    pub fn finish_within<T>(
        &self,
        sealer: &Sealer,
        purpose: &str,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> K,
        bytes: impl Fn(&T) -> usize,
    ) -> Result<(Vec<T>, String)>
    where
        K: Serialize,
    {
        let mut sum = 0;
        let fits = |row: &&T| {
            sum += bytes(row);
            sum <= PAGE_BYTES
        };
        let kept = rows.iter().take(self.size as usize).take_while(fits).count().max(1);
        if rows.len() <= kept {
            return Ok((rows, String::new()));
        }
        rows.truncate(kept);
        let token = rows.last().map(|row| sealer.seal(purpose, &key(row))).transpose()?;
        Ok((rows, token.unwrap_or_default()))
    }
}

fn bad_token() -> Error {
    let text = "does not belong to this list; start again without it, or repeat the call exactly as it was";
    Error::Invalid(
        Reason::PageTokenInvalid,
        vec![Violation { field: "page_token".into(), text: text.into() }],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_for_its_purpose_alone() {
        let sealer = Sealer::alone();
        let token = sealer.seal("acme ListTickets", &("2026", 7)).expect("a token");
        assert_eq!(sealer.open("acme ListTickets", &token), Some(("2026".to_owned(), 7)));
        assert_eq!(sealer.open::<(String, i32)>("other ListTickets", &token), None);
        let mut broken = token.clone().into_bytes();
        broken[20] ^= 1;
        assert_eq!(sealer.open::<(String, i32)>("acme ListTickets", &String::from_utf8_lossy(&broken)), None);
        for junk in ["", "x", "AAAA", "päge"] {
            assert_eq!(sealer.open::<(String, i32)>("acme ListTickets", junk), None);
        }
    }

    #[test]
    fn a_page_ends_by_count_or_by_bytes_but_is_never_empty_before_the_end() {
        let sealer = Sealer::alone();
        let page = |size, rows: &[usize]| {
            let page = Page::<usize> { size, after: None };
            let (kept, token) =
                page.finish_within(&sealer, "p", rows.to_vec(), |row| *row, |row| *row).expect("a page");
            (kept.len(), !token.is_empty())
        };
        assert_eq!(page(3, &[1, 1, 1]), (3, false));
        assert_eq!(page(3, &[1, 1, 1, 1]), (3, true));
        assert_eq!(page(9, &[PAGE_BYTES, 1]), (1, true));
        assert_eq!(page(9, &[PAGE_BYTES - 1, 1]), (2, false));
        assert_eq!(page(9, &[PAGE_BYTES + 1, 1]), (1, true));
        assert_eq!(page(9, &[PAGE_BYTES + 1]), (1, false));
        assert_eq!(page(9, &[]), (0, false));
    }

    #[test]
    fn sizes_are_kept_in_bounds() {
        let size = |n| Page::<i64>::parse(&Sealer::alone(), "p", n, "").map(|page| page.size);
        assert_eq!(size(0).ok(), Some(50));
        assert_eq!(size(7).ok(), Some(7));
        assert_eq!(size(100_000).ok(), Some(200));
        assert!(size(-1).is_err());
    }
}
