/** The part of React Native that the recipe uses: here its tests run on React Native for Web, which has no types. */
declare module 'react-native' {
  export const AppState: {
    addEventListener(type: 'change', listener: (state: string) => void): { remove(): void };
  };
}
