// The list of dialogues: plain rows in, words shown as they are; a dialogue or another page of the list out.
export default {
  template: `
    <div class="c-dlg-list">
      <ul role="listbox" tabindex="0" :aria-label="words.list" :aria-activedescendant="chosen ? 'dlg-' + chosen : null" @keydown="key">
        <li v-for="r in rows" :key="r.id" :id="'dlg-' + r.id" role="option" :aria-selected="r.id === chosen ? 'true' : 'false'"
            class="c-dlg" :class="{'c-dlg-on': r.id === chosen, 'c-dlg-unread': r.unread}" @click="$emit('open', r.id)">
          <div class="c-dlg-top"><b>{{ r.who }}</b><span class="c-dlg-when">{{ r.when }}</span></div>
          <p class="c-dlg-said">{{ r.found || r.text }}</p>
          <div class="c-dlg-tags">
            <span class="c-chip" :class="r.owner.tone ? 'c-' + r.owner.tone : ''">{{ r.owner.text }}</span>
            <span v-for="t in r.tags" class="c-chip" :class="t.tone ? 'c-' + t.tone : ''">{{ t.text }}</span>
            <span class="c-dlg-by">{{ r.by }}</span>
            <span v-if="r.unread" class="c-dlg-count" :aria-label="words.unread">{{ r.unread }}</span>
          </div>
        </li>
      </ul>
      <div v-if="before || after" class="c-pager">
        <span>{{ range }}</span>
        <button type="button" class="c-tool" :disabled="!before" :aria-label="words.newer" @click="$emit('turn', -1)"><i class="material-icons c-icon" aria-hidden="true">chevron_left</i></button>
        <button type="button" class="c-tool" :disabled="!after" :aria-label="words.older" @click="$emit('turn', 1)"><i class="material-icons c-icon" aria-hidden="true">chevron_right</i></button>
      </div>
    </div>`,
  props: { rows: Array, chosen: String, words: Object, range: String, before: Boolean, after: Boolean },
  emits: ["open", "turn"],
  mounted() {
    this.keys = (event) => {
      if (event.target.closest("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "j" || event.key === "k") this.step(event.key === "j" ? 1 : -1, event);
      else if (event.key === "/") this.focus(".c-inbox-list input", event);
      else if (event.key === "r") this.focus(".c-composer textarea", event);
    };
    document.addEventListener("keydown", this.keys);
  },
  unmounted() {
    document.removeEventListener("keydown", this.keys);
  },
  methods: {
    key(event) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") this.step(event.key === "ArrowDown" ? 1 : -1, event);
    },
    step(by, event) {
      event.preventDefault();
      const at = this.rows.findIndex((r) => r.id === this.chosen);
      const next = this.rows[Math.max(0, Math.min(this.rows.length - 1, at + by))];
      if (next && next.id !== this.chosen) {
        this.$emit("open", next.id);
        document.getElementById("dlg-" + next.id)?.scrollIntoView({ block: "nearest" });
      }
    },
    focus(where, event) {
      const found = document.querySelector(where);
      if (found) {
        event.preventDefault();
        found.focus();
      }
    },
  },
};
