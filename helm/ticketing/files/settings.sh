# Joins what the mounted Secrets and the chart say of connections to the settings file that the program reads. Values stand in
# no variable and on no command line: only in the Secrets and in this file, which lies in memory.
#   $SECRETS   folder with database/<field> and nats/url, each only if it is there
#   $DATABASE  parameters of the database URL that are no secrets
#   $OUTPUT    the file
umask 077

# Every byte as %XX: a URL takes it as it is, whatever stands in the field.
encoded() {
    printf %s "$(cat "$1")" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}

# A setting as TOML.
setting() {
    printf '%s = "%s"\n' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"
}

url=postgres:///
if [ -f "$SECRETS/database/uri" ]; then url=$(cat "$SECRETS/database/uri"); fi
case $url in
*\?*) url="$url&$DATABASE" ;;
*) url="$url?$DATABASE" ;;
esac
for field in host port user password dbname; do
    if [ -f "$SECRETS/database/$field" ]; then url="$url&$field=$(encoded "$SECRETS/database/$field")"; fi
done

setting database_url "$url" >"$OUTPUT"
if [ -f "$SECRETS/nats/url" ]; then setting nats_url "$(cat "$SECRETS/nats/url")" >>"$OUTPUT"; fi
