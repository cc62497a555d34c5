import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import { defineAsyncComponent } from 'vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    // Only one page needs it.
    app.component(
      'Simulation',
      defineAsyncComponent(() => import('./Simulation.vue')),
    );
  },
} satisfies Theme;
