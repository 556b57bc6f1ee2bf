# Puts every document of a folder in force, each for the tenant that its name says.
#   $TOKEN_FILE  who applies them
#   $DOCUMENTS   the folder
#   $COMMENT     what is kept with the revisions
for document in "$DOCUMENTS"/*.yaml; do
    ticketing config apply --token-file "$TOKEN_FILE" --file "$document" --tenant "$(basename "$document" .yaml)" --comment "$COMMENT"
done
