// Where a manager writes to a customer. What is written stays in the browser until the server has said that it is kept.
const PATIENCE = 3000; // ms until what was not answered is said again, under the same origin

export default {
  template: `
    <form class="c-composer" @submit.prevent="send">
      <label class="c-unseen" :for="field">{{ words.reply }}</label>
      <textarea :id="field" ref="text" v-model="draft" rows="1" :disabled="locked" :readonly="!!sending"
                :placeholder="locked ? why : words.reply" maxlength="4000" @input="keep" @keydown.enter.exact="enter"></textarea>
      <select v-if="canned.length && !locked" class="c-canned" :aria-label="words.canned" @change="insert">
        <option value="">{{ words.canned }}</option>
        <option v-for="(c, n) in canned" :value="n">{{ c[0] }}</option>
      </select>
      <button type="submit" class="c-btn c-btn-primary" :disabled="locked || !draft.trim() || !!sending">
        <i class="material-icons c-icon" aria-hidden="true">send</i><span>{{ words.send }}</span></button>
      <p v-if="away" class="c-composer-away" role="status">{{ words.away }}</p>
    </form>`,
  props: { place: String, locked: Boolean, why: String, words: Object, canned: Array, said: String, failed: String },
  emits: ["say"],
  data: () => ({ draft: "", sending: "", away: false }),
  computed: {
    field() {
      return "reply-" + this.place;
    },
    drawer() {
      return "counterman-draft-" + this.place;
    },
  },
  watch: {
    place: "fetch",
    said(origin) {
      if (origin && origin === this.sending) {
        this.draft = "";
        this.sending = "";
        this.keep();
      }
    },
    failed(origin) {
      if (origin && origin === this.sending) this.sending = "";
    },
  },
  mounted() {
    this.fetch();
    // A socket that has just come back may speak before its page is known, and is not heard: hence again until answered.
    this.look = setInterval(() => {
      this.away = !!window.socket && !window.socket.connected;
      if (this.sending && !this.away && Date.now() - this.sent > PATIENCE) this.again();
    }, 1000);
  },
  unmounted() {
    clearInterval(this.look);
  },
  methods: {
    // A message under way when the page was left is offered again under the same origin: said twice, it is said once.
    fetch() {
      let kept = {};
      try {
        kept = JSON.parse(localStorage.getItem(this.drawer) || "{}");
      } catch {}
      this.draft = kept.text || "";
      this.origin = kept.origin || "";
      this.sending = "";
      this.$nextTick(this.grow);
    },
    keep() {
      try {
        if (this.draft) localStorage.setItem(this.drawer, JSON.stringify({ text: this.draft, origin: this.sending || "" }));
        else localStorage.removeItem(this.drawer);
      } catch {}
      if (!this.sending) this.origin = "";
      this.grow();
    },
    grow() {
      const box = this.$refs.text;
      if (!box) return;
      box.style.height = "auto";
      box.style.height = Math.min(box.scrollHeight + 2, 180) + "px";
    },
    enter(event) {
      if (matchMedia("(pointer: coarse)").matches || event.isComposing) return;
      event.preventDefault();
      this.send();
    },
    send() {
      if (this.locked || !this.draft.trim() || this.sending) return;
      this.sending = this.origin || Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
      this.keep();
      this.again();
    },
    again() {
      this.sent = Date.now();
      this.$emit("say", { place: this.place, text: this.draft.trim(), origin: this.sending });
    },
    insert(event) {
      const chosen = this.canned[event.target.value];
      event.target.value = "";
      if (!chosen) return;
      this.draft = this.draft ? this.draft.trimEnd() + "\n" + chosen[1] : chosen[1];
      this.keep();
      this.$refs.text.focus();
    },
  },
};
