//! The SQL of searches. Every condition is an equality or an order of texts: others may not use an index behind the wall.

use super::model::Corpus;
use crate::{db::Tx, error::Result, ids::Id};

/// A text, read by a grammar: its words, and how often each stands in it.
#[derive(Clone, Debug)]
pub struct Lexed {
    /// The place of the text among those that were asked for, from 1.
    pub n: i64,
    pub words: Vec<String>,
    pub counts: Vec<i32>,
}

/// Cuts texts into words, each by the grammar at the same place. A text without any is not in the answer.
pub async fn lex(tx: &mut Tx, texts: &[String], grammars: &[String]) -> Result<Vec<Lexed>> {
    let lexed = sqlx::query_as!(
        Lexed,
        r#"select p.n as "n!", array_agg(l.lexeme) as "words!", array_agg(cardinality(l.positions)) as "counts!"
           from unnest($1::text[], $2::text[]) with ordinality p (text, grammar, n)
           cross join lateral unnest(to_tsvector(p.grammar::regconfig, p.text)) l
           group by p.n"#,
        texts,
        grammars,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(lexed)
}

/// What a word is cut down to in German and in English.
#[derive(Clone, Debug)]
pub struct Stems {
    pub word: String,
    pub stems: Vec<String>,
}

pub async fn stems(tx: &mut Tx, words: &[String]) -> Result<Vec<Stems>> {
    let stems = sqlx::query_as!(
        Stems,
        r#"select w as "word!",
                  coalesce(ts_lexize('pg_catalog.german_stem', w), '{}') || coalesce(ts_lexize('pg_catalog.english_stem', w), '{}')
                  as "stems!"
           from unnest($1::text[]) w"#,
        words,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(stems)
}

/// How many documents the corpus has.
pub async fn documents(tx: &mut Tx, corpus: Corpus) -> Result<i64> {
    let tenant = tx.tenant().clone();
    let documents = sqlx::query_scalar!(
        "select documents from search_corpora where tenant_id = $1 and corpus = $2",
        tenant.as_str(),
        corpus.code(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(documents.unwrap_or(0))
}

/// Words that begin so, in their order.
pub async fn beginning(tx: &mut Tx, corpus: Corpus, begin: &str, limit: i64) -> Result<Vec<String>> {
    let tenant = tx.tenant().clone();
    let end = format!("{begin}\u{10ffff}");
    let words = sqlx::query_scalar!(
        r#"select word from search_vocabulary
           where tenant_id = $1 and corpus = $2 and word >= $3 collate "C" and word < $4 collate "C"
           order by word limit $5"#,
        tenant.as_str(),
        corpus.code(),
        begin,
        end,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(words)
}

/// A word that has letters in a row that were asked for.
#[derive(Clone, Debug)]
pub struct Alike {
    /// For whom it was asked.
    pub n: i32,
    pub word: String,
}

/// Words that contain a text that is asked for under a number, the first `limit` of each by how short they are. Its letters
/// in a row stand under the same number, and the rarest leads to them: only that much of the index is read.
pub async fn containing(
    tx: &mut Tx,
    corpus: Corpus,
    asked: &[(i32, String)],
    texts: &[String],
    limit: i64,
) -> Result<Vec<Alike>> {
    let tenant = tx.tenant().clone();
    let (numbers, grams): (Vec<i32>, Vec<String>) = asked.iter().cloned().unzip();
    // How rare letters are is counted as far as it is worth it: what is above is common.
    let alike = sqlx::query_as!(
        Alike,
        r#"select rarest.n as "n!", found.word as "word!" from (
               select distinct on (f.n) f.n, f.gram from unnest($3::int[], $4::text[]) f (n, gram)
               cross join lateral (select count(*) as words from (
                   select from search_grams g
                   where g.tenant_id = $1 and g.corpus = $2 and g.gram = f.gram collate "C" limit 500) counted) counted
               order by f.n, counted.words) rarest
           cross join lateral (
               select g.word, row_number() over (order by length(g.word), g.word) as nth from search_grams g
               where g.tenant_id = $1 and g.corpus = $2 and g.gram = rarest.gram collate "C"
                 and strpos(g.word, ($5::text[])[rarest.n + 1]) > 0
               order by nth limit $6) found
           order by found.nth, rarest.n"#,
        tenant.as_str(),
        corpus.code(),
        &numbers,
        &grams,
        texts,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(alike)
}

/// Words that have, of the letters in a row that are asked for under a number, at least so many; under each the first
/// `limit` by how many they have.
pub async fn having(
    tx: &mut Tx,
    corpus: Corpus,
    asked: &[(i32, String)],
    least: &[i64],
    limit: i64,
) -> Result<Vec<Alike>> {
    let tenant = tx.tenant().clone();
    let (numbers, grams): (Vec<i32>, Vec<String>) = asked.iter().cloned().unzip();
    let alike = sqlx::query_as!(
        Alike,
        r#"select n as "n!", word as "word!" from (
               select f.n, g.word, row_number() over (
                          partition by f.n order by count(*) desc, length(g.word), g.word) as nth
               from unnest($3::int[], $4::text[]) f (n, gram)
               join search_grams g on g.tenant_id = $1 and g.corpus = $2 and g.gram = f.gram collate "C"
               group by f.n, g.word having count(*) >= ($5::bigint[])[f.n + 1]) alike
           where nth <= $6 order by nth"#,
        tenant.as_str(),
        corpus.code(),
        &numbers,
        &grams,
        least,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(alike)
}

/// How many documents have each word, up to `limit`; in the order of the words.
pub async fn counts(
    tx: &mut Tx,
    corpus: Corpus,
    words: &[String],
    hidden: bool,
    limit: i64,
) -> Result<Vec<i64>> {
    let tenant = tx.tenant().clone();
    let counts = sqlx::query_scalar!(
        r#"select (select count(*) from (
               select from search_words s
               where s.tenant_id = $1 and s.corpus = $2 and s.word = w.word collate "C" and ($4 or s.shown > 0)
               limit $5) found) as "count!"
           from unnest($3::text[]) with ordinality w (word, n) order by w.n"#,
        tenant.as_str(),
        corpus.code(),
        words,
        hidden,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(counts)
}

/// Where a word stands, in no order, and how much it says there.
#[derive(Clone, Debug)]
pub struct Postings {
    pub ids: Vec<Id>,
    pub weights: Vec<i16>,
}

/// The newest documents that have each word, as many as stands beside it, none after `until`; in the order of the words.
pub async fn postings(
    tx: &mut Tx,
    corpus: Corpus,
    words: &[String],
    limits: &[i64],
    hidden: bool,
    until: Id,
) -> Result<Vec<Postings>> {
    let tenant = tx.tenant().clone();
    let postings = sqlx::query_as!(
        Postings,
        r#"select found.ids as "ids!: Vec<Id>", found.weights as "weights!"
           from unnest($3::text[], $4::bigint[]) with ordinality w (word, bound, n)
           cross join lateral (
               select coalesce(array_agg(newest.id), '{}') as ids, coalesce(array_agg(newest.weight), '{}') as weights
               from (select s.id, case when $5 then s.whole else s.shown end as weight from search_words s
                     where s.tenant_id = $1 and s.corpus = $2 and s.word = w.word collate "C" and s.id <= $6
                       and ($5 or s.shown > 0)
                     order by s.id desc limit w.bound) newest) found
           order by w.n"#,
        tenant.as_str(),
        corpus.code(),
        words,
        limits,
        hidden,
        until as Id,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(postings)
}

/// A word in a document.
#[derive(Clone, Debug)]
pub struct Place {
    /// The word's place among those that were asked for, from 1.
    pub n: i64,
    pub id: Id,
    pub weight: i16,
}

/// Which of the words stand in which of the documents, each before the id that stands beside it. Each pair is looked up by
/// itself: left to choose, PostgreSQL would rather read all places of a word of which it thinks that it is rare.
pub async fn places(
    tx: &mut Tx,
    corpus: Corpus,
    words: &[String],
    before: &[Id],
    ids: &[Id],
    hidden: bool,
) -> Result<Vec<Place>> {
    let tenant = tx.tenant().clone();
    let places = sqlx::query_as!(
        Place,
        r#"select w.n as "n!", d.id as "id!: Id", found.weight as "weight!"
           from unnest($3::text[], $4::uuid[]) with ordinality w (word, before, n)
           join unnest($5::uuid[]) d (id) on d.id < w.before
           cross join lateral (
               select case when $6 then s.whole else s.shown end as weight from search_words s
               where s.tenant_id = $1 and s.corpus = $2 and s.word = w.word collate "C" and s.id = d.id
                 and ($6 or s.shown > 0)
               offset 0) found"#,
        tenant.as_str(),
        corpus.code(),
        words,
        before as &[Id],
        ids as &[Id],
        hidden,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(places)
}
