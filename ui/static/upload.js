// A place to drop a file: sent as it is by PUT, with how far it has come. The browser's own file button for the keyboard.
export default {
  template: `
    <div class="c-drop" :class="{'c-over': over, 'c-sending': sending}"
         @dragover.prevent="over = true" @dragleave="over = false" @drop.prevent="drop">
      <i class="material-icons" aria-hidden="true">upload_file</i>
      <div class="c-drop-words">
        <template v-if="!sending">
          <label class="c-btn c-drop-button" :class="'c-btn-' + kind">
            <input type="file" class="c-drop-file" :accept="accept" @change="pick" ref="file">
            <span>{{ words.choose }}</span></label>
          <span class="c-soft">{{ words.drop }}</span>
        </template>
        <template v-else>
          <span class="c-drop-name">{{ name }}</span>
          <div class="c-meter" role="progressbar" :aria-valuenow="percent" aria-valuemin="0" aria-valuemax="100"
               :aria-label="words.sending"><div :style="{width: percent + '%'}"></div></div>
          <span class="c-soft">{{ percent }} %</span>
          <button type="button" class="c-btn c-btn-quiet" @click="stop">{{ words.stop }}</button>
        </template>
      </div>
      <p v-if="fault" class="c-drop-fault" role="alert">{{ fault }}</p>
    </div>`,
  props: { to: String, accept: String, limit: Number, words: Object, kind: String },
  emits: ["sent"],
  data() {
    return { over: false, sending: false, percent: 0, name: "", fault: "", request: null };
  },
  methods: {
    pick(event) {
      if (event.target.files.length) this.send(event.target.files[0]);
    },
    drop(event) {
      this.over = false;
      if (!this.sending && event.dataTransfer.files.length) this.send(event.dataTransfer.files[0]);
    },
    send(file) {
      this.fault = "";
      if (file.size > this.limit) {
        this.fault = this.words.too_large;
        return;
      }
      const id = this.fresh();
      const request = new XMLHttpRequest();
      this.request = request;
      this.sending = true;
      this.percent = 0;
      this.name = file.name;
      request.open("PUT", `${this.to}/${id}?name=${encodeURIComponent(file.name)}`);
      request.upload.onprogress = (event) => {
        this.percent = event.lengthComputable ? Math.round((event.loaded / event.total) * 100) : 0;
      };
      request.onload = () => {
        this.sending = false;
        if (request.status >= 200 && request.status < 300) this.$emit("sent", { id, answer: request.responseText });
        else this.fault = request.responseText || this.words.failed;
      };
      request.onerror = () => {
        this.sending = false;
        this.fault = this.words.failed;
      };
      request.send(file);
    },
    stop() {
      if (this.request) this.request.abort();
      this.sending = false;
    },
    fresh() {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
  },
};
