/** Whether the certificate of who was to be spoken to is not believed (by Node's and OpenSSL's codes): no try mends that. */
export function isCertificateError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return /^(?:ERR_TLS_|ERR_SSL_|CERT_|.*SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)_)/.test(String(code));
}
