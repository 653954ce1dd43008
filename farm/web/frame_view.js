// One frame on the canvas: tiles as they are accepted, then the finished picture in their place.
import * as api from './api.js';

const LARGEST_EDGE = 2048;               // of the canvas; a larger frame is shown smaller, so that its memory stays bounded
const LARGEST_IMAGE = 256 << 20;         // bytes of a finished file that is worth decoding for a look
const AT_ONCE = 6;                       // requests for tiles in flight: what a browser opens to one host

export class FrameView {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.show(null, null);
  }

  // Which frame to show; what was on the canvas goes. Stops what was being fetched for the one before.
  show(job, frame) {
    this.abort?.abort();
    this.abort = new AbortController();
    this.job = job;
    this.frame = frame;
    this.after = 0;
    this.drawn = new Set();
    this.finished = null;                // hash of the finished file that is on the canvas
    this.width = 0;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  resize(width, height) {
    if (this.width === width && this.height === height) return;
    this.width = width;
    this.height = height;
    this.scale = Math.min(1, LARGEST_EDGE / Math.max(width, height));
    this.canvas.width = Math.max(1, Math.round(width * this.scale));
    this.canvas.height = Math.max(1, Math.round(height * this.scale));
  }

  // Brings the canvas up to `frame` (FRAME of the API). Call it again whenever the job has moved; calls do not overlap. Throws ApiError.
  async update(frame) {
    const { signal } = this.abort;
    this.resize(frame.width, frame.height);
    const decodable = frame.state === 'done' && this.finished !== frame.sha256 && frame.size <= LARGEST_IMAGE;
    if (decodable && await this.drawFinished(frame, signal)) return;
    if (this.finished) return;
    for (;;) {
      const { tiles, next } = await api.tiles(this.job, this.frame, this.after, signal);
      if (!tiles.length) return;
      const waiting = tiles.filter(tile => !this.drawn.has(tile.tile));
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        for (let tile; (tile = waiting.shift());) await this.drawTile(tile, signal);
      }));
      if (signal.aborted || !(next > this.after)) return;
      this.after = next;
    }
  }

  async drawTile(tile, signal) {
    let file;
    try { file = await api.preview(this.job, this.frame, tile.tile, signal); } catch (error) {
      if (error.status === 404) return;   // the frame was assembled meanwhile, and its tiles are gone
      throw error;
    }
    const bitmap = await createImageBitmap(file);
    if (signal.aborted) return;
    // Rounded edges, not rounded sizes: neighbours meet without a seam at every scale.
    const edge = at => Math.round(at * this.scale);
    const x = edge(tile.x), y = edge(tile.y);
    const width = edge(tile.x + tile.width) - x, height = edge(tile.y + tile.height) - y;
    this.context.clearRect(x, y, width, height);
    this.context.drawImage(bitmap, x, y, width, height);
    bitmap.close();
    this.drawn.add(tile.tile);
  }

  // False where the file is none that a browser can show (EXR): its tiles stay.
  async drawFinished(frame, signal) {
    const file = await api.image(this.job, this.frame, signal);
    let bitmap;
    try { bitmap = await createImageBitmap(file, { resizeWidth: this.canvas.width, resizeHeight: this.canvas.height, resizeQuality: 'high' }); } catch { return false; }
    if (signal.aborted) return true;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.finished = frame.sha256;
    return true;
  }
}
