// An issuer of access tokens that was not written here: oidc-provider, which the OpenID Foundation has certified. Two services
// are its clients; what it says about them stands in their tokens. Prints its URL, and serves until it is ended.
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = (id) => ({
    client_id: id,
    client_secret: `${id} keeps this to itself`,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  });
  const provider = new Provider(issuer, {
    clients: [client('crm'), client('cook')],
    extraTokenClaims: (_, token) => ({ tenant: 'acme', roles: [`${token.clientId}-role`] }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: '',
          audience: new URL(resource).hostname,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
