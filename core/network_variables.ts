/**
 * What Deno has to be told on some machines before it reaches the network.
 *
 * @module
 */

/**
 * Variables that say through which proxy to go, and which authorities to trust. Programs that load packages need them: a Deno
 * without them fails where the agent's own succeeded.
 */
export const NETWORK_VARIABLES: readonly string[] = [
  ...["DENO_CERT", "DENO_TLS_CA_STORE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
];
