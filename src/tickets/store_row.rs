//! A ticket out of a row of a query that is put together at run time: which columns a view takes, and how they are read.
//! By place, as the queries that are checked at build time do it: to look fifty columns up by name and to ask each for
//! its type costs as much again as reading them.

use sqlx::{Decode, Postgres, Row, postgres::PgRow};

use super::{Ticket, View};

/// What is left of a row, from left to right.
struct Cells<'r> {
    row: &'r PgRow,
    place: usize,
}

impl<'r> Cells<'r> {
    fn next<T: Decode<'r, Postgres>>(&mut self) -> sqlx::Result<T> {
        let place = self.place;
        self.place += 1;
        self.row.try_get_unchecked(place)
    }
}

/// Both halves from one list, so that what is asked for is what is read. A column of [`Ticket`] that is missing here does
/// not compile.
macro_rules! columns {
    (always: $first:ident $($always:ident)*; full: $($long:ident)*;) => {
        /// What to select for [`ticket`].
        pub fn columns(view: View) -> &'static str {
            match view {
                View::Basic => concat!(stringify!($first) $(, ", ", stringify!($always))*),
                View::Full => concat!(
                    stringify!($first) $(, ", ", stringify!($always))* $(, ", ", stringify!($long))*
                ),
            }
        }

        /// The ticket of a row that begins with these columns. What the view does not show stays empty.
        pub fn ticket(row: &PgRow, view: View) -> sqlx::Result<Ticket> {
            let mut cells = Cells { row, place: 0 };
            Ok(Ticket {
                $first: cells.next()?,
                $($always: cells.next()?,)*
                $($long: if view == View::Full { cells.next()? } else { Default::default() },)*
            })
        }
    };
}

columns! {
    always:
        tenant_id id number version state kind channel title requester organization category product language_code
        impact urgency priority priority_rank tags external_source external_id level queue team assignee escalated
        pending_escalation vendor_reference hold_reason hold_until_time resolution follow_up_of first_level
        highest_level teams transfer_count return_count reopen_count imported configuration_revision create_time
        update_time queue_time assign_time resolve_time close_time auto_close_time routing_rule offered_to
        offer_expire_time former_assignee routing_exhausted sla_policies sla_revision plan
        restricted merged_into entitlement;
    full:
        description custom_fields annotations followers skills cool_downs;
}
