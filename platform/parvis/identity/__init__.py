"""Who is it: tokens, API keys, sessions, and the agencies' realms in Keycloak."""
