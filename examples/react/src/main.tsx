import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { AuthProvider } from './auth.js';
import { restore } from './session.js';

// Before the first render, which then shows that the session is being restored.
restore();

const container = document.getElementById('app');
if (!container) throw new Error('The page has no place for the application.');
createRoot(container).render(
  <StrictMode>
    <AuthProvider>
      <App />
    </AuthProvider>
  </StrictMode>,
);
