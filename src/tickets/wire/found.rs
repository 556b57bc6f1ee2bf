//! What a search found, as a message.

use ticketing_proto::v1 as pb;

use super::{View, shown};
use crate::{
    comments,
    ctx::Ctx,
    ids::Id,
    search::Snippet,
    tickets::search::{Found, Piece},
};

pub fn found(ctx: &Ctx, found: Found) -> pb::FoundTicket {
    let id = found.shown.id;
    let snippets = found.snippets.into_iter().map(|piece| snippet(ctx, id, piece)).collect();
    // A whole word counts one; how well it answers stands behind the point.
    let score = found.score as f64 / 1e6;
    pb::FoundTicket { ticket: Some(shown(ctx, found.shown, View::Basic)), score, snippets }
}

fn snippet(ctx: &Ctx, ticket: Id, piece: Piece) -> pb::Snippet {
    let Snippet { text, begin, marks } = piece.snippet;
    let span = |(begin, end): (usize, usize)| pb::TextSpan { begin: begin as i32, end: end as i32 };
    pb::Snippet {
        field: piece.field.to_owned(),
        comment: piece.comment.map_or_else(String::new, |id| comments::name(&ctx.tenant, ticket, id)),
        text,
        begin: begin as i32,
        marks: marks.into_iter().map(span).collect(),
    }
}
