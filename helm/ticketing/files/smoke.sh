# Creates a ticket as a caller would, and reads it back. The server says itself how it is called.
#   $ADDRESS, $FLAGS  the server, and how `buf curl` reaches it
#   $TOKEN_FILE       who calls
#   $TENANT, $TICKET  the tenant, and the ticket as JSON
call() {
    # shellcheck disable=SC2086 # a list of flags
    buf curl $FLAGS --protocol grpc --header "authorization: Bearer $(cat "$TOKEN_FILE")" --data "$2" \
        "$ADDRESS/ticketing.v1.TicketService/$1"
}

name() {
    sed -n 's/^ *"name": *"\(tenants\/[^"]*\)".*/\1/p' | head -n 1
}

request=$(cat /proc/sys/kernel/random/uuid)
answer=$(call CreateTicket "{\"parent\": \"tenants/$TENANT\", \"ticket\": $TICKET, \"request_id\": \"$request\"}")
created=$(printf %s "$answer" | name)
echo "created $created"
answer=$(call GetTicket "{\"name\": \"$created\"}")
read=$(printf %s "$answer" | name)
echo "read $read"
[ -n "$created" ] && [ "$created" = "$read" ]
