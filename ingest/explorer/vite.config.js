import { defineConfig } from "vite";

/** Where `npm run dev` finds a running server. */
const server = process.env.HEXMILE_URL ?? "http://127.0.0.1:8080";

/** The page talks to the server that sent it, and to nobody else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export default defineConfig({
  // Relative, so that the page also works below a path of a proxy.
  base: "./",
  build: {
    target: "es2022",
    assetsDir: "assets",
    // MapLibre is one large module of its own, fetched after the page's frame.
    chunkSizeWarningLimit: 1500,
    // Preloading by script is for old browsers.
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { proxy: { "/v1": server, "/openapi.json": server } },
  plugins: [
    {
      name: "content-security-policy",
      apply: "build",
      transformIndexHtml: () => [
        {
          tag: "meta",
          attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
          injectTo: "head-prepend",
        },
      ],
    },
  ],
});
