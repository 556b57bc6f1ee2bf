# The service alone, as a release build on a small system. It needs a PostgreSQL to talk to; compose.yaml has one beside it.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# The toolchain of the image is the one of rust-toolchain.toml; saying so keeps rustup from fetching its extras.
ENV RUSTUP_TOOLCHAIN=1.95.0
# Queries were checked against the answers in .sqlx; no database is asked here.
ENV SQLX_OFFLINE=true
COPY . .
RUN cargo build --locked --release --bin ticketing

FROM debian:bookworm-slim
COPY --from=build /build/target/release/ticketing /usr/local/bin/ticketing
COPY LICENSE /usr/share/doc/ticketing/LICENSE
USER 65532:65532
EXPOSE 50051
ENTRYPOINT ["ticketing"]
CMD ["serve"]
