/* SPDX-License-Identifier: Apache-2.0 */
/* peer.mjs HUB CACHE [FILE]: the JavaScript client fetches one file, or all, of bench/repo into CACHE. */
import { downloadFileToCacheDir, snapshotDownload } from "@huggingface/hub";

const [hubUrl, cacheDir, path] = process.argv.slice(2);
const common = { repo: { type: "model", name: "bench/repo" }, hubUrl, cacheDir };
console.debug = () => {};
if (path) await downloadFileToCacheDir({ ...common, path });
else await snapshotDownload(common);
