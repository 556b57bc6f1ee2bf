-- The support plan that was sold to an organization, and the one by which a ticket is served.

alter table organizations
    -- Empty: none.
    add column plan text not null default '';

alter table tickets
    -- Of its organization, when that was set; a later change of the organization does not reach it.
    add column plan text not null default '';
