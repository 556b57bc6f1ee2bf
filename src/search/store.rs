//! The SQL that writes the index, and that of how far it has come; `store_find.rs` has that of searches.

use std::collections::HashMap;

use sqlx::PgPool;

use super::model::{Bag, Corpus, Read, Weight};
use crate::{
    db::Tx,
    error::Result,
    ids::{Id, TenantId},
};

/// Whoever changes a corpus does so alone, until the transaction ends.
pub async fn lock(tx: &mut Tx, corpus: Corpus) -> Result<()> {
    let tenant = tx.tenant().clone();
    begin(tx, corpus).await?;
    sqlx::query!(
        "select position from search_corpora where tenant_id = $1 and corpus = $2 for update",
        tenant.as_str(),
        corpus.code(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(())
}

/// The same if it has begun and nobody else is at it: the place in the stream up to which the corpus is known.
pub async fn lock_free(tx: &mut Tx, corpus: Corpus) -> Result<Option<i64>> {
    let tenant = tx.tenant().clone();
    let position = sqlx::query_scalar!(
        "select position from search_corpora where tenant_id = $1 and corpus = $2 for update skip locked",
        tenant.as_str(),
        corpus.code(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(position)
}

/// Begins the corpus, if nobody has. Whoever does so at the same time waits until the transaction ends.
pub async fn begin(tx: &mut Tx, corpus: Corpus) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into search_corpora (tenant_id, corpus, documents, position)
         select $1, $2, 0, 0 where not exists (select from search_corpora where tenant_id = $1 and corpus = $2)
         on conflict do nothing",
        tenant.as_str(),
        corpus.code(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The place in the stream up to which the corpus is known.
pub async fn position(tx: &mut Tx, corpus: Corpus) -> Result<i64> {
    let tenant = tx.tenant().clone();
    let position = sqlx::query_scalar!(
        "select position from search_corpora where tenant_id = $1 and corpus = $2",
        tenant.as_str(),
        corpus.code(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(position.unwrap_or(0))
}

/// How far each tenant's corpus is known. Looks across tenants.
pub async fn positions(pool: &PgPool, corpus: Corpus) -> Result<HashMap<TenantId, i64>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", position from search_corpora where corpus = $1"#,
        corpus.code(),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.position)).collect())
}

/// It is known up to here.
pub async fn advance(tx: &mut Tx, corpus: Corpus, position: i64) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update search_corpora set position = $3 where tenant_id = $1 and corpus = $2 and position < $3",
        tenant.as_str(),
        corpus.code(),
        position,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// So many documents more, or fewer.
pub async fn count(tx: &mut Tx, corpus: Corpus, more: i64) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update search_corpora set documents = documents + $3 where tenant_id = $1 and corpus = $2",
        tenant.as_str(),
        corpus.code(),
        more,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What the index has of these documents.
pub async fn known(tx: &mut Tx, corpus: Corpus, ids: &[Id]) -> Result<HashMap<Id, Bag>> {
    let tenant = tx.tenant().clone();
    let rows = sqlx::query!(
        r#"select id as "id: Id", words, shown, whole from search_documents
           where tenant_id = $1 and corpus = $2 and id = any($3)"#,
        tenant.as_str(),
        corpus.code(),
        ids as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    let known = rows.into_iter().map(|row| {
        let weights = row.shown.into_iter().zip(row.whole).map(|(shown, whole)| Weight { shown, whole });
        (row.id, row.words.into_iter().zip(weights).collect())
    });
    Ok(known.collect())
}

/// A word in a document, and how much it says there.
pub type Place<'a> = (&'a String, Id, Weight);

/// Places as lists of the same length.
#[derive(Default)]
struct Columns {
    words: Vec<String>,
    ids: Vec<Id>,
    shown: Vec<i16>,
    whole: Vec<i16>,
}

impl<'a> FromIterator<Place<'a>> for Columns {
    fn from_iter<I: IntoIterator<Item = Place<'a>>>(places: I) -> Self {
        let mut columns = Self::default();
        for (word, id, weight) in places {
            columns.words.push(word.clone());
            columns.ids.push(id);
            columns.shown.push(weight.shown);
            columns.whole.push(weight.whole);
        }
        columns
    }
}

/// Writes down the words of documents.
pub async fn put_documents(tx: &mut Tx, corpus: Corpus, documents: &[&Read]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let Columns { words, ids, shown, whole } = documents
        .iter()
        .flat_map(|document| document.words.iter().map(|(word, weight)| (word, document.id, *weight)))
        .collect();
    sqlx::query!(
        "insert into search_documents (tenant_id, corpus, id, words, shown, whole)
         select $1, $2, p.id, array_agg(p.word), array_agg(p.shown), array_agg(p.whole)
         from unnest($3::text[], $4::uuid[], $5::smallint[], $6::smallint[]) p (word, id, shown, whole)
         group by p.id
         on conflict (tenant_id, corpus, id) do update
         set words = excluded.words, shown = excluded.shown, whole = excluded.whole",
        tenant.as_str(),
        corpus.code(),
        &words,
        &ids as &[Id],
        &shown,
        &whole,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn drop_documents(tx: &mut Tx, corpus: Corpus, ids: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from search_documents where tenant_id = $1 and corpus = $2 and id = any($3)",
        tenant.as_str(),
        corpus.code(),
        ids as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where words stand besides. To look first whether one does would cost as much again: the documents told.
pub async fn add_words(tx: &mut Tx, corpus: Corpus, places: &[Place<'_>]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let Columns { words, ids, shown, whole } = places.iter().copied().collect();
    sqlx::query!(
        "insert into search_words (tenant_id, corpus, word, id, shown, whole)
         select $1, $2, p.word, p.id, p.shown, p.whole
         from unnest($3::text[], $4::uuid[], $5::smallint[], $6::smallint[]) p (word, id, shown, whole)
         order by p.word collate \"C\", p.id",
        tenant.as_str(),
        corpus.code(),
        &words,
        &ids as &[Id],
        &shown,
        &whole,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where words say more, or less, than they did.
pub async fn weigh_words(tx: &mut Tx, corpus: Corpus, places: &[Place<'_>]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let Columns { words, ids, shown, whole } = places.iter().copied().collect();
    sqlx::query!(
        "update search_words w set shown = p.shown, whole = p.whole
         from unnest($3::text[], $4::uuid[], $5::smallint[], $6::smallint[]) p (word, id, shown, whole)
         where w.tenant_id = $1 and w.corpus = $2 and w.word = p.word and w.id = p.id",
        tenant.as_str(),
        corpus.code(),
        &words,
        &ids as &[Id],
        &shown,
        &whole,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where words stand no more. A word that stands nowhere now is not known any more, either.
pub async fn drop_words(tx: &mut Tx, corpus: Corpus, places: &[(String, Id)]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let (words, ids): (Vec<String>, Vec<Id>) = places.iter().cloned().unzip();
    sqlx::query!(
        "delete from search_words w using unnest($3::text[], $4::uuid[]) p (word, id)
         where w.tenant_id = $1 and w.corpus = $2 and w.word = p.word and w.id = p.id",
        tenant.as_str(),
        corpus.code(),
        &words,
        &ids as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    let gone = sqlx::query_scalar!(
        "delete from search_vocabulary v where v.tenant_id = $1 and v.corpus = $2 and v.word = any($3)
         and not exists (select from search_words w where w.tenant_id = $1 and w.corpus = $2 and w.word = v.word)
         returning v.word",
        tenant.as_str(),
        corpus.code(),
        &words,
    )
    .fetch_all(&mut **tx)
    .await?;
    let (words, grams) = super::grams::of_all(&gone);
    sqlx::query!(
        "delete from search_grams g using unnest($3::text[], $4::text[]) p (word, gram)
         where g.tenant_id = $1 and g.corpus = $2 and g.gram = p.gram and g.word = p.word",
        tenant.as_str(),
        corpus.code(),
        &words,
        &grams,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes words known.
pub async fn learn(tx: &mut Tx, corpus: Corpus, words: &[String]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let new = sqlx::query_scalar!(
        "insert into search_vocabulary (tenant_id, corpus, word)
         select $1, $2, n.word from unnest($3::text[]) n (word)
         where not exists (select from search_vocabulary v
             where v.tenant_id = $1 and v.corpus = $2 and v.word = n.word collate \"C\")
         on conflict do nothing returning word",
        tenant.as_str(),
        corpus.code(),
        words,
    )
    .fetch_all(&mut **tx)
    .await?;
    let (words, grams) = super::grams::of_all(&new);
    sqlx::query!(
        "insert into search_grams (tenant_id, corpus, gram, word)
         select $1, $2, n.gram, n.word from unnest($3::text[], $4::text[]) n (word, gram) on conflict do nothing",
        tenant.as_str(),
        corpus.code(),
        &words,
        &grams,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
